import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { pngWithoutTexts } from './png-without-texts.ts'

const red = { create: { width: 4, height: 4, channels: 3, background: 'red' } } as const
const plain = await sharp(red).png().toBuffer()
/** The signature, and the header chunk. */
const HEADER_BYTES = 8 + 25

function chunk(type: string, content: Uint8Array, declared = content.length): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(declared)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, content, Buffer.alloc(4)])
}
const inserted = (...chunks: Buffer[]) =>
  Buffer.concat([plain.subarray(0, HEADER_BYTES), ...chunks, plain.subarray(HEADER_BYTES)])

describe('a PNG without its texts', () => {
  it('is the same without those chunks that may be compressed', () => {
    const spoilt = inserted(chunk('zTXt', Buffer.alloc(50)), chunk('iTXt', Buffer.alloc(0)))
    expect(Buffer.from(pngWithoutTexts(spoilt)).equals(plain)).toBe(true)
  })

  it('keeps everything else', () => {
    const dated = inserted(chunk('tIME', Buffer.alloc(7)))
    expect(pngWithoutTexts(dated)).toBe(dated)
    expect(pngWithoutTexts(plain)).toBe(plain)
  })

  it('ends where a chunk claims to be longer than the file', () => {
    const liar = Buffer.concat([plain.subarray(0, HEADER_BYTES), chunk('zTXt', Buffer.alloc(9), 0xffffffff)])
    expect(pngWithoutTexts(liar)).toHaveLength(HEADER_BYTES)
  })

  it('of anything is no longer than that', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(pngWithoutTexts(bytes).length).toBeLessThanOrEqual(bytes.length)
      }),
    )
  })
})
