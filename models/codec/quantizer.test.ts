import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { halfBits, halfValue } from './half.ts'
import { dequantize, packedBytes, type Quantizer, quantize, unpackBits } from './index.ts'

const { fround } = Math
const bitsUpTo8 = fc.integer({ min: 1, max: 8 })
const finite = fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 100), max: 2 ** 100 })

/** Halves to even, written the long way. */
function roundHalfEven(value: number): number {
  const down = Math.floor(value)
  const rest = value - down
  if (rest !== 0.5) return rest < 0.5 ? down : down + 1
  return down % 2 === 0 ? down : down + 1
}

/** The published formula, operation by operation on float32 values, one code per value. */
function published(
  x: readonly number[],
  bits: number,
): { scale: number; zeroPoint: number; codes: number[] } {
  const top = 2 ** bits - 1
  const clamp = (v: number) => Math.min(Math.max(v, 0), top)
  const scale = fround(fround(Math.max(...x) - Math.min(...x)) / top)
  const zeroPoint = Math.trunc(clamp(fround(0 - fround(Math.min(...x) / scale))))
  return {
    scale,
    zeroPoint,
    codes: x.map((v) => roundHalfEven(clamp(fround(zeroPoint + fround(v / scale))))),
  }
}

const dynamic = (bits: number): Quantizer => ({ kind: 'affine-dynamic', bits })
const throwsCode = (run: () => unknown, code: string) =>
  expect(run).toThrow(expect.objectContaining({ name: 'IsthmusError', code }))

describe('the dynamic quantiser', () => {
  it('gives the codes of a worked example', () => {
    // scale = (2 − (−1)) / 3 = 1; −min/scale = 1; q = clamp(1 + x, 0, 3), 0.5 and 1.5 + 1 round to even.
    const { scale, zeroPoint, packed } = quantize(Float32Array.of(-1, -0.5, 0.5, 1.5, 2), dynamic(2))
    expect({ scale, zeroPoint }).toEqual({ scale: 1, zeroPoint: 1 })
    expect([...unpackBits(packed, 5, 2)]).toEqual([0, 0, 2, 2, 3])
    expect([...packed]).toEqual([0b10_10_00_00, 0b11])
    expect([...dequantize(packed, 5, dynamic(2), { scale, zeroPoint })]).toEqual([-1, -1, 1, 1, 2])
  })

  it('truncates the zero point where rounding would give another', () => {
    // scale = 3/3 = 1, −min/scale = 0.75: rounded it would be 1.
    expect(quantize(Float32Array.of(-0.75, 2.25), dynamic(2))).toMatchObject({ scale: 1, zeroPoint: 0 })
  })

  it('agrees bit for bit with torchdistill evaluated in float32 by NumPy', () => {
    const x = Float32Array.of(-0.7312, 0.0041, 1.9, -1.25, 0.3333333, 2.75, 0.5)
    const { scale, zeroPoint, packed } = quantize(x, dynamic(8))
    expect({ scale, zeroPoint, codes: [...packed] }).toEqual(numpyVector)
  })

  it('follows the published formula for every tensor and number of bits', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 2, maxLength: 40 }), bitsUpTo8, (values, bits) => {
        const expected = published(values, bits)
        fc.pre(expected.scale > 0)
        const { scale, zeroPoint, packed } = quantize(Float32Array.from(values), dynamic(bits))
        expect({ scale, zeroPoint }).toEqual({ scale: expected.scale, zeroPoint: expected.zeroPoint })
        expect([...unpackBits(packed, values.length, bits)]).toEqual(expected.codes)
        const back = dequantize(packed, values.length, dynamic(bits), { scale, zeroPoint })
        expect([...back]).toEqual(expected.codes.map((q) => fround(scale * (q - zeroPoint))))
      }),
      { numRuns: 300 },
    )
  })

  it('errs by no more than two steps on a tensor that straddles zero', () => {
    const around = fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 50 })
    fc.assert(
      fc.property(around, bitsUpTo8, (values, bits) => {
        const x = Float32Array.from([-1, ...values, 1])
        const { scale, zeroPoint, packed } = quantize(x, dynamic(bits))
        const back = dequantize(packed, x.length, dynamic(bits), { scale, zeroPoint })
        back.forEach((value, i) => {
          expect(Math.abs(value - x[i]!)).toBeLessThanOrEqual(scale * 1.5001)
        })
      }),
    )
  })

  it.each([0, 3.25, -3.25, 1e-45, -3e38])('gives %s back exactly when all values are that', (value) => {
    for (const bits of [1, 4, 8]) {
      const { packed, ...range } = quantize(new Float32Array(5).fill(value), dynamic(bits))
      expect([...dequantize(packed, 5, dynamic(bits), range)].map((v) => v + 0)).toEqual(
        Array(5).fill(fround(value)),
      )
    }
  })

  it('refuses a span that float32 cannot hold', () => {
    throwsCode(() => quantize(Float32Array.of(-3e38, 3e38), dynamic(8)), 'NOT_FINITE')
  })
})

describe('the static quantiser', () => {
  const quantizer: Quantizer = { kind: 'affine-static', bits: 8, scale: 0.1, zeroPoint: 3 }

  it('uses its own range, in float32, and saturates', () => {
    const { packed, scale, zeroPoint } = quantize(Float32Array.of(-5, -0.3, 0, 0.25, 25.2, 99), quantizer)
    expect({ scale, zeroPoint }).toEqual({ scale: fround(0.1), zeroPoint: 3 })
    expect([...packed]).toEqual([0, 0, 3, roundHalfEven(fround(3 + fround(0.25 / fround(0.1)))), 255, 255])
    expect([...dequantize(packed, 6, quantizer)].slice(0, 3)).toEqual(
      [fround(-0.3), fround(-0.3), 0].map(fround),
    )
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e-60])('refuses the scale %s', (scale) => {
    throwsCode(() => quantize(new Float32Array(1), { ...quantizer, scale }), 'BAD_QUANTIZER')
  })

  it.each([-1, 256, 0.5, Number.NaN])('refuses the zero point %s', (zeroPoint) => {
    throwsCode(() => quantize(new Float32Array(1), { ...quantizer, zeroPoint }), 'BAD_QUANTIZER')
  })
})

describe('16 bits', () => {
  it.each([
    [0, 0x0000],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [65519.99, 0x7bff],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -24, 0x0002],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [0.1, 0x2e66],
    [1 / 3, 0x3555],
  ])('writes %s as IEEE half', (value, bits) => {
    expect(halfBits(fround(value))).toBe(bits)
  })

  it('gives every half back, and rounds each midpoint to the even neighbour', () => {
    for (let bits = 0; bits < 0x7c00; bits++) {
      const value = halfValue(bits)
      if (halfBits(value) !== bits || halfBits(-value) !== (bits | 0x8000)) expect.fail(`half ${bits}`)
      const next = bits === 0x7bff ? 65536 : halfValue(bits + 1)
      const even = bits % 2 === 0 ? bits : bits + 1
      if (halfBits((value + next) / 2) !== even) expect.fail(`midpoint above half ${bits}`)
    }
  })

  it('is the nearest half for any value', () => {
    fc.assert(
      fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (value) => {
        const { packed } = quantize(Float32Array.of(value), dynamic(16))
        const back = dequantize(packed, 1, dynamic(16))[0]!
        const magnitude = halfBits(value) & 0x7fff
        for (const other of [magnitude - 1, magnitude + 1]) {
          if (other < 0 || other > 0x7bff) continue
          const distance = Math.abs(Math.abs(value) - halfValue(other))
          expect(Math.abs(value - back)).toBeLessThanOrEqual(distance)
        }
      }),
    )
  })

  it('takes two bytes, low byte first', () => {
    expect([...quantize(Float32Array.of(1, -2), dynamic(16)).packed]).toEqual([0x00, 0x3c, 0x00, 0xc0])
  })

  it('refuses what no half holds, in both directions', () => {
    throwsCode(() => quantize(Float32Array.of(0, 65520), dynamic(16)), 'NOT_FINITE')
    throwsCode(() => dequantize(Uint8Array.of(0, 0x7c), 1, dynamic(16)), 'NOT_FINITE')
    throwsCode(() => dequantize(Uint8Array.of(1, 0xfc), 1, dynamic(16)), 'NOT_FINITE')
  })
})

describe('any quantiser', () => {
  const quantizers: Quantizer[] = [
    ...[1, 2, 3, 4, 5, 6, 7, 8, 16].map(dynamic),
    { kind: 'affine-static', bits: 5, scale: 0.25, zeroPoint: 9 },
  ]

  it.each(quantizers)('of $bits bits ($kind) carries an empty tensor in no bytes', (quantizer) => {
    const { packed, ...range } = quantize(new Float32Array(0), quantizer)
    expect(packed.length).toBe(0)
    expect(dequantize(packed, 0, quantizer, range)).toEqual(new Float32Array(0))
  })

  it.each(quantizers)('of $bits bits ($kind) refuses NaN and infinities and names the value', (quantizer) => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const x = Float32Array.of(1, 2, value, 3)
      throwsCode(() => quantize(x, quantizer), 'NOT_FINITE')
      expect(() => quantize(x, quantizer)).toThrow(`Value 2 of 4 is ${value}`)
    }
  })

  it.each([0, 9, 15, 17, 2.5, Number.NaN])('refuses %s bits', (bits) => {
    throwsCode(() => quantize(new Float32Array(1), dynamic(bits)), 'BAD_QUANTIZER')
    throwsCode(() => dequantize(new Uint8Array(1), 1, dynamic(bits)), 'BAD_QUANTIZER')
  })

  it('writes into the memory that it is given, and no further', () => {
    const x = Float32Array.of(0, 1, 2, 3, 4)
    const exact = new Uint8Array(packedBytes(5, 4))
    expect(quantize(x, dynamic(4), exact).packed).toBe(exact)
    const roomy = new Uint8Array(10).fill(0xee)
    const { packed, ...range } = quantize(x, dynamic(4), roomy)
    expect(packed).toEqual(exact)
    expect(packed.buffer).toBe(roomy.buffer)
    expect([...roomy.subarray(3)]).toEqual(Array(7).fill(0xee))
    throwsCode(() => quantize(x, dynamic(4), new Uint8Array(2)), 'BAD_OPTION')
    const values = new Float32Array(6).fill(-7)
    expect(dequantize(packed, 5, dynamic(4), range, values).buffer).toBe(values.buffer)
    expect(values[5]).toBe(-7)
    throwsCode(() => dequantize(packed, 5, dynamic(4), range, new Float32Array(4)), 'BAD_OPTION')
  })

  it('refuses payloads that do not fit, before it allocates for them', () => {
    const range = { scale: 1, zeroPoint: 0 }
    const refused = (bytes: number, count: number, bits: number) =>
      throwsCode(() => dequantize(new Uint8Array(bytes), count, dynamic(bits), range), 'BAD_PAYLOAD')
    refused(3, 4, 8)
    refused(5, 4, 8)
    refused(1, 3, 3)
    refused(7, 4, 16)
    refused(1, 2 ** 50, 8)
    refused(1, -1, 8)
    refused(1, 1.5, 8)
    refused(1, Number.NaN, 8)
    throwsCode(() => dequantize(Uint8Array.of(0b1000_0000), 1, dynamic(4), range), 'BAD_PAYLOAD')
  })

  it.each([
    undefined,
    { scale: 0, zeroPoint: 0 },
    { scale: Number.NaN, zeroPoint: 0 },
    { scale: 1, zeroPoint: 16 },
    { scale: 1, zeroPoint: -1 },
    { scale: 1, zeroPoint: 1.5 },
  ])('refuses the range %o of a dynamic payload', (range) => {
    throwsCode(() => dequantize(new Uint8Array(1), 2, dynamic(4), range), 'BAD_PAYLOAD')
  })

  it('never gives an infinity for a range that reaches beyond float32', () => {
    throwsCode(
      () => dequantize(Uint8Array.of(255), 1, dynamic(8), { scale: 3e38, zeroPoint: 0 }),
      'NOT_FINITE',
    )
  })
})

// scale, zero point and codes as NumPy 2.4 gives them with every operand a float32.
const numpyVector = { scale: 0.01568627543747425, zeroPoint: 79, codes: [32, 79, 200, 0, 100, 254, 111] }
