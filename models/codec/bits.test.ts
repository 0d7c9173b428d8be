import fc from 'fast-check'
import { expect, it } from 'vitest'
import { packBits, packedBytes, unpackBits } from './index.ts'

const codesOf = (bits: number) => fc.uint8Array({ max: 2 ** bits - 1, maxLength: 200 })
const bitsAndCodes = fc
  .integer({ min: 1, max: 8 })
  .chain((bits) => fc.tuple(fc.constant(bits), codesOf(bits)))
const throwsCode = (run: () => unknown, code: string) =>
  expect(run).toThrow(expect.objectContaining({ name: 'IsthmusError', code }))

it('packs lowest bits first', () => {
  expect([...packBits(Uint8Array.of(1, 0, 1, 1, 0, 0, 0, 1, 1), 1)]).toEqual([0b1000_1101, 1])
  expect([...packBits(Uint8Array.of(0b101, 0b011, 0b110), 3)]).toEqual([0b10_011_101, 0b1])
  expect([...packBits(Uint8Array.of(0xa, 0xb, 0xc), 4)]).toEqual([0xba, 0x0c])
  expect([...packBits(Uint8Array.of(7, 255), 8)]).toEqual([7, 255])
})

it('gives back any codes of any width, in no more bytes than their bits need', () => {
  fc.assert(
    fc.property(bitsAndCodes, ([bits, codes]) => {
      const packed = packBits(codes, bits)
      expect(packed.length).toBe(Math.ceil((codes.length * bits) / 8))
      expect(packedBytes(codes.length, bits)).toBe(packed.length)
      expect(unpackBits(packed, codes.length, bits)).toEqual(codes)
    }),
    { numRuns: 500 },
  )
})

it('puts bit k of code i at bit i·bits + k of the stream', () => {
  fc.assert(
    fc.property(bitsAndCodes, ([bits, codes]) => {
      const packed = packBits(codes, bits)
      const stream = [...packed]
        .map((byte) => byte.toString(2).padStart(8, '0').split('').reverse().join(''))
        .join('')
      const expected = [...codes]
        .map((code) => code.toString(2).padStart(bits, '0').split('').reverse().join(''))
        .join('')
      expect(stream.startsWith(expected)).toBe(true)
      expect(stream.slice(expected.length)).not.toContain('1')
    }),
  )
})

it('writes into the memory that it is given, and no further', () => {
  const out = new Uint8Array(4).fill(0xee)
  expect([...packBits(Uint8Array.of(1, 2, 3), 4, out)]).toEqual([0x21, 0x03])
  expect([...out]).toEqual([0x21, 0x03, 0xee, 0xee])
  const codes = new Uint8Array(3)
  expect(unpackBits(Uint8Array.of(0x21, 0x03), 3, 4, codes)).toBe(codes)
  expect([...codes]).toEqual([1, 2, 3])
  throwsCode(() => packBits(Uint8Array.of(1, 2, 3), 4, new Uint8Array(1)), 'BAD_OPTION')
})

it('refuses a code that needs more bits, another length, and other widths', () => {
  throwsCode(() => packBits(Uint8Array.of(1, 8), 3), 'BAD_OPTION')
  throwsCode(() => unpackBits(new Uint8Array(2), 3, 8), 'BAD_PAYLOAD')
  throwsCode(() => unpackBits(Uint8Array.of(0b0100_0000), 2, 3), 'BAD_PAYLOAD')
  for (const bits of [0, 9, 16, 1.5, Number.NaN]) {
    throwsCode(() => packBits(new Uint8Array(1), bits), 'BAD_QUANTIZER')
    throwsCode(() => unpackBits(new Uint8Array(1), 1, bits), 'BAD_QUANTIZER')
  }
})
