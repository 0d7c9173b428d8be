import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/random.ts'
import { FREQUENCY_BITS, type FrequencyTable, frequencyTable, RansCoder, symbolBits } from './index.ts'

const throwsCode = (run: () => unknown, code: string) =>
  expect(run).toThrow(expect.objectContaining({ name: 'IsthmusError', code }))

/** A changed stream may be that of other symbols: then it is their only one. */
function expectRefusedOrExact(coder: RansCoder, stream: Uint8Array): void {
  let symbols: Int32Array | undefined
  try {
    symbols = coder.decode(stream)
  } catch (error) {
    expect(error).toMatchObject({ name: 'IsthmusError', code: 'BAD_PAYLOAD' })
  }
  if (symbols) expect(coder.encode(symbols)).toEqual(Uint8Array.from(stream))
}

const weights = fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1e6, noNaN: true })), {
  minLength: 1,
  maxLength: 60,
})
const table: fc.Arbitrary<FrequencyTable> = fc
  .tuple(fc.integer({ min: -100, max: 100 }), weights)
  .map(([first, all]) => frequencyTable(first, all, 0.5))

const sample = fc
  .tuple(fc.array(table, { minLength: 1, maxLength: 4 }), fc.integer({ min: 1, max: 2000 }), fc.integer())
  .map(([tables, perChannel, seed]) => {
    const random = seededRandom(seed)
    const symbols = Int32Array.from({ length: tables.length * perChannel }, (_, at) => {
      const { first, frequencies } = tables[Math.floor(at / perChannel)]!
      // Now and then one that the table does not hold.
      if (random.uniform() < 0.02) return Math.round(200 * random.normal())
      if (random.uniform() < 0.005) return random.uniform() < 0.5 ? 2 ** 31 - 1 : -(2 ** 31)
      return first + random.below(frequencies.length - 1)
    })
    return { tables, perChannel, symbols }
  })

describe('the entropy coder', () => {
  it('gives back every tensor, symbols outside the tables included', () => {
    fc.assert(
      fc.property(sample, ({ tables, perChannel, symbols }) => {
        const coder = new RansCoder(tables, perChannel)
        expect(coder.decode(coder.encode(symbols))).toEqual(symbols)
      }),
      { numRuns: 300 },
    )
  })

  it('gives a prefix of the symbols for every prefix of the stream, the longer the more', () => {
    fc.assert(
      fc.property(
        sample,
        fc.double({ min: 0, max: 1, noNaN: true }),
        ({ tables, perChannel, symbols }, share) => {
          const coder = new RansCoder(tables, perChannel)
          const stream = coder.encode(symbols)
          const states = symbols.length < 4096 ? 4 : 16
          const length = states + Math.floor(share * (stream.length - states))
          const out = new Int32Array(symbols.length)
          const shorter = coder.decodePrefix(stream.subarray(0, states), out)
          const count = coder.decodePrefix(stream.subarray(0, length), out)
          expect(out.subarray(0, count)).toEqual(symbols.subarray(0, count))
          expect(count).toBeGreaterThanOrEqual(shorter)
          expect(coder.decodePrefix(stream, out)).toBe(symbols.length)
          if (length < stream.length - 1)
            throwsCode(() => coder.decode(stream.subarray(0, length)), 'BAD_PAYLOAD')
        },
      ),
      { numRuns: 200 },
    )
  })

  it('gives back every tensor with tables chosen by what lies beside', () => {
    const contextual = fc.tuple(
      fc.record({ rowLength: fc.integer({ min: 1, max: 9 }), reach: fc.integer({ min: 1, max: 4 }) }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer(),
    )
    fc.assert(
      fc.property(contextual, fc.infiniteStream(table), ([neighbours, channels, rows, seed], stream) => {
        const tables = Array.from(
          { length: channels * (2 * neighbours.reach + 1) },
          () => stream.next().value!,
        )
        const random = seededRandom(seed)
        const weights = Array.from({ length: channels }, (_, channel) =>
          Array.from(
            { length: 4 + 9 * random.below(channel + 1) },
            () => random.below(2 ** 16 + 1) - 2 ** 15,
          ),
        )
        const perChannel = rows * neighbours.rowLength
        const symbols = Int32Array.from({ length: channels * perChannel }, () =>
          random.uniform() < 0.01 ? 2 ** 31 - 1 : Math.round(3 * random.normal()),
        )
        const coder = new RansCoder(tables, perChannel, { ...neighbours, weights, middle: 0 })
        const coded = coder.encode(symbols)
        expect(coder.decode(coded)).toEqual(symbols)
        const out = new Int32Array(symbols.length)
        const count = coder.decodePrefix(coded.subarray(0, Math.max(4, coded.length >> 1)), out)
        expect(out.subarray(0, count)).toEqual(symbols.subarray(0, count))
      }),
    )
  })

  it('takes no more than 1 % and 64 bytes above the cross-entropy', () => {
    fc.assert(
      fc.property(sample, ({ tables, perChannel, symbols }) => {
        const coded = new RansCoder(tables, perChannel).encode(symbols)
        const bits = symbols.reduce(
          (sum, symbol, at) => sum + symbolBits(tables[Math.floor(at / perChannel)]!, symbol),
          0,
        )
        expect(coded.length).toBeLessThanOrEqual(1.01 * (bits / 8) + 64)
      }),
      { numRuns: 100 },
    )
  })

  it('writes these bytes on every machine', () => {
    const coder = new RansCoder(
      [frequencyTable(-2, [1, 4, 10, 4, 1], 0.1), frequencyTable(0, [3, 1], 0.1)],
      6,
    )
    const symbols = Int32Array.of(0, 1, -1, 0, -2, 300, 0, 0, 1, 0, 1, -7)
    expect(Buffer.from(coder.encode(symbols)).toString('hex')).toBe('88371600f2f943209517')
  })

  it('refuses what has been cut or made longer; what it takes, it would have written', () => {
    fc.assert(
      fc.property(
        sample,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ({ tables, perChannel, symbols }, where, flip) => {
          const coder = new RansCoder(tables, perChannel)
          const coded = coder.encode(symbols)
          throwsCode(() => coder.decode(coded.subarray(0, -2)), 'BAD_PAYLOAD')
          throwsCode(() => coder.decode(Uint8Array.of(...coded, 0, 0)), 'BAD_PAYLOAD')
          const changed = coded.slice()
          changed[where % coded.length]! ^= flip
          expectRefusedOrExact(coder, changed)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('throws nothing but BAD_PAYLOAD for any bytes that it would not have written', () => {
    const coder = new RansCoder([frequencyTable(-1, [1, 2, 1], 0.5)], 40)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expectRefusedOrExact(coder, bytes)
      }),
      { numRuns: 500 },
    )
  })

  it('refuses an escape before a symbol that the table holds', () => {
    const escaping = new RansCoder([{ first: 5, frequencies: [1, 4095] }], 1).encode(Int32Array.of(0))
    throwsCode(() => new RansCoder([{ first: 0, frequencies: [1, 4095] }], 1).decode(escaping), 'BAD_PAYLOAD')
  })

  it('refuses another number of symbols, and tables that are none', () => {
    throwsCode(() => new RansCoder([frequencyTable(0, [1, 1])], 3).encode(new Int32Array(2)), 'BAD_OPTION')
    for (const frequencies of [[], [4096], [4095, 2], [4095, 1.5], [0, 4096], [Number.NaN, 1]]) {
      throwsCode(() => new RansCoder([{ first: 0, frequencies }], 1), 'BAD_QUANTIZER')
    }
    throwsCode(() => new RansCoder([{ first: 0.5, frequencies: [4095, 1] }], 1), 'BAD_QUANTIZER')
  })
})

describe('a frequency table', () => {
  it('adds up and leaves no symbol without a share', () => {
    fc.assert(
      fc.property(weights, fc.double({ min: 0, max: 10, noNaN: true }), (all, escapeWeight) => {
        fc.pre(all.some((weight) => weight > 0) || escapeWeight > 0)
        const { frequencies } = frequencyTable(0, all, escapeWeight)
        expect(frequencies.reduce((sum, value) => sum + value, 0)).toBe(2 ** FREQUENCY_BITS)
        expect(Math.min(...frequencies)).toBeGreaterThanOrEqual(1)
      }),
    )
  })

  it('follows the weights', () => {
    expect(frequencyTable(0, [3, 1]).frequencies).toEqual([3071, 1024, 1])
  })

  it('refuses weights that are none', () => {
    for (const all of [[], [0], [-1, 2], [Number.NaN], [Number.POSITIVE_INFINITY]]) {
      throwsCode(() => frequencyTable(0, all), 'BAD_OPTION')
    }
  })
})
