import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32 } from './checksum.ts'

describe('crc32', () => {
  it('gives the published check value', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
    expect(crc32(new Uint8Array(0))).toBe(0)
  })

  it('agrees with zlib on any bytes at any offset and end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), fc.nat(20), (bytes, skip, drop) => {
        const view = bytes.subarray(Math.min(skip, bytes.length))
        const end = Math.max(0, view.length - drop)
        expect(crc32(view, end)).toBe(zlibCrc32(view.subarray(0, end)))
      }),
    )
  })
})
