import { sign } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { crc32 } from '@isthmus/proto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyPatch, decodePatch, encodePatch, newPatchKeys, patchErrors, readHeader } from './index.ts'
import {
  anyLayout,
  codeOf,
  decodeOptions,
  encodeOptions,
  keys,
  layoutOf,
  someParameters,
} from './patch.test.kit.ts'

const layout = layoutOf([16, 16, 24])
const options = encodeOptions(layout)
const { bytes, result } = encodePatch(options)
const decode = (changed: Uint8Array, more = {}) =>
  codeOf(() => decodePatch(changed, { ...decodeOptions(layout), ...more }))

/** A patch whose bytes are changed by one who holds the key: checksum and signature fit. */
function forged(change: (bytes: Uint8Array, view: DataView) => void, from = bytes): Uint8Array {
  const made = from.slice()
  const view = new DataView(made.buffer)
  change(made, view)
  const end = made.length - 68
  view.setUint32(end, crc32(made, end), true)
  made.set(sign(null, made.subarray(0, end + 4), keys.privateKey), end + 4)
  return made
}

describe('a patch is refused', () => {
  it('with any byte changed', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = bytes.slice()
        changed[at]! ^= flip
        expect(Object.keys(patchErrors)).toContain(decode(changed))
      }),
      { numRuns: 1000 },
    )
  })

  it('cut anywhere, or with bytes behind its end', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(decode(bytes.subarray(0, length))).toMatch(/PATCH_(MALFORMED|CORRUPT)/)
    expect(decode(Uint8Array.from([...bytes, 0]))).toBe('PATCH_CORRUPT')
  })

  it('of any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (noise) => {
        expect(Object.keys(patchErrors)).toContain(decode(noise))
        const headed = Uint8Array.from([...bytes.subarray(0, 6), ...noise])
        expect(Object.keys(patchErrors)).toContain(decode(headed))
      }),
    )
  })

  it('of another family or of other layers', () => {
    expect(decode(bytes, { family: new Uint8Array(32) })).toBe('PATCH_OTHER_FAMILY')
    expect(decode(bytes, { layout: layoutOf([16, 24, 16]) })).toBe('PATCH_OTHER_LAYOUT')
    expect(decode(bytes, { layout: layoutOf([16, 40]) })).toBe('PATCH_OTHER_LAYOUT')
    fc.assert(
      fc.property(anyLayout, (other) => {
        fc.pre(JSON.stringify(other) !== JSON.stringify(layout))
        expect(decode(bytes, { layout: other })).toBe('PATCH_OTHER_LAYOUT')
      }),
    )
  })

  it('unsigned, or signed by another', () => {
    const unsigned = bytes.slice()
    unsigned.fill(0, bytes.length - 64)
    expect(decode(unsigned)).toBe('PATCH_UNTRUSTED')
    expect(decode(bytes, { publicKey: newPatchKeys().publicKey })).toBe('PATCH_UNTRUSTED')
  })

  it('that is not newer than what was accepted, also after a roll-back', () => {
    const [second, fourth] = [2, 4].map((version) => encodePatch({ ...options, version }).bytes)
    expect(decode(second!, { current: { epoch: 9, version: 2 } })).toBe('PATCH_REPLAYED')
    expect(decode(second!, { current: { epoch: 9, version: 3 } })).toBe('PATCH_REPLAYED')
    const rolledBack = { current: { epoch: 9, version: 1 }, newest: { epoch: 9, version: 3 } }
    expect(decode(second!, rolledBack)).toBe('PATCH_REPLAYED')
    expect(decode(fourth!, rolledBack)).toBeUndefined()
    expect(decode(second!, { current: { epoch: 10, version: 1 } })).toBe('PATCH_REPLAYED')
    expect(decode(bytes, { current: { epoch: 8, version: 300 } })).toBeUndefined()
  })

  it('that builds on a version that is not held', () => {
    const delta = encodePatch({ ...options, version: 6, against: 5 }).bytes
    expect(decode(delta)).toBe('PATCH_NEEDS_SNAPSHOT')
    expect(decode(delta, { current: { epoch: 9, version: 4 } })).toBe('PATCH_NEEDS_SNAPSHOT')
    expect(decode(delta, { current: { epoch: 8, version: 5 } })).toBe('PATCH_NEEDS_SNAPSHOT')
    expect(decode(delta, { current: { epoch: 9, version: 5 } })).toBeUndefined()
    const snapshot = encodePatch({ ...options, version: 60 }).bytes
    expect(decode(snapshot, { current: { epoch: 9, version: 5 } })).toBeUndefined()
  })

  it('from the future', () => {
    expect(decode(bytes, { nowS: 699 })).toBe('PATCH_FROM_THE_FUTURE')
    expect(decode(bytes, { nowS: 700 })).toBeUndefined()
    expect(decode(bytes, { nowS: 990, toleranceS: 5 })).toBe('PATCH_FROM_THE_FUTURE')
  })

  it('with a length that does not fit, before anything is allocated for it', () => {
    expect(decode(forged(() => {}, Uint8Array.from([...bytes, 0])))).toBe('PATCH_MALFORMED')
    expect(decode(forged(() => {}, bytes.slice(4)))).toBe('PATCH_MALFORMED')
    expect(decode(forged((_, view) => view.setUint16(6, 0xffff, true)))).toBe('PATCH_MALFORMED')
    expect(decode(forged((made) => made.fill(0, 64, 65)))).toBe('PATCH_MALFORMED')
    expect(decode(forged((made) => made.fill(0b11, 64, 65)))).toBe('PATCH_MALFORMED')
    expect(decode(forged((made) => made.fill(0b1111, 64, 65)))).toBe('PATCH_MALFORMED')
  })

  it('that inflates to more than its layers have, or has bytes behind its deflated numbers', () => {
    const still = encodePatch({ ...options, dtype: 'int8', target: options.reference }).bytes
    expect(readHeader(still).isDeflated).toBe(true)
    const withNumbers = (numbers: Uint8Array) =>
      forged(() => {}, Uint8Array.from([...still.subarray(0, 65), ...numbers, ...new Uint8Array(68)]))
    const length = inflateRawSync(still.subarray(65, still.length - 68)).length
    expect(decode(withNumbers(deflateRawSync(new Uint8Array(length))))).toBeUndefined()
    expect(decode(withNumbers(deflateRawSync(new Uint8Array(length + 1))))).toBe('PATCH_MALFORMED')
    expect(decode(withNumbers(deflateRawSync(new Uint8Array(1e7))))).toBe('PATCH_MALFORMED')
    expect(decode(withNumbers(deflateRawSync(new Uint8Array(length - 1))))).toBe('PATCH_MALFORMED')
    expect(decode(withNumbers(Uint8Array.from([...deflateRawSync(new Uint8Array(length)), 0])))).toBe(
      'PATCH_MALFORMED',
    )
    expect(decode(withNumbers(Uint8Array.from([255, 255, 255])))).toBe('PATCH_MALFORMED')
  })

  it('with numbers that no layer can compute with, and nothing is changed', () => {
    const held = { base: options.reference, current: options.reference }
    const before = structuredClone(options.reference)
    const apply = (changed: Uint8Array) =>
      codeOf(() => applyPatch(decodePatch(changed, decodeOptions(layout)), held))
    const firstScale = 65
    const lastVariance = bytes.length - 68 - 4
    for (const [at, value] of [
      [firstScale, Number.NaN],
      [firstScale, Number.POSITIVE_INFINITY],
      [lastVariance, 0],
      [lastVariance, -1],
      [lastVariance, Number.NaN],
    ] as const)
      expect(apply(forged((_, view) => view.setFloat32(at, value, true)))).toBe('PATCH_BAD_VALUES')
    expect(apply(forged((_, view) => view.setFloat32(firstScale, 2, true)))).toBe('PATCH_NEEDS_SNAPSHOT')
    expect(held.current).toEqual(before)
    expect(apply(bytes)).toBeUndefined()
  })

  it('that comes out otherwise than its sender knows', () => {
    const delta = encodePatch({ ...options, version: 6, against: 5, layers: [0] })
    const patch = decodePatch(delta.bytes, { ...decodeOptions(layout), current: { epoch: 9, version: 5 } })
    const held = { base: options.reference, current: options.reference }
    expect(applyPatch(patch, held)).toEqual(delta.result)
    const other = { ...held, current: someParameters(layout, 77) }
    expect(codeOf(() => applyPatch(patch, other))).toBe('PATCH_NEEDS_SNAPSHOT')
  })
})

it('is not made of numbers that no layer can compute with', () => {
  const target = structuredClone(result)
  target.variance[5] = 0
  expect(codeOf(() => encodePatch({ ...options, target }))).toBe('NORM_NOT_FINITE')
  expect(codeOf(() => encodePatch({ ...options, version: 0 }))).toBe('PATCH_BAD_OPTION')
  expect(codeOf(() => encodePatch({ ...options, against: 1 }))).toBe('PATCH_BAD_OPTION')
  expect(codeOf(() => encodePatch({ ...options, layers: [] }))).toBe('PATCH_BAD_OPTION')
  expect(codeOf(() => encodePatch({ ...options, layers: [3] }))).toBe('PATCH_BAD_OPTION')
})
