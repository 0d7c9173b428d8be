import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PacketLengths } from './packet-lengths.ts'

function packet(bodyBytes: number): Uint8Array {
  const header = [0x30]
  let left = bodyBytes
  do {
    header.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0))
    left >>>= 7
  } while (left > 0)
  const bytes = new Uint8Array(header.length + bodyBytes).fill(0xff)
  bytes.set(header)
  return bytes
}

const concat = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts)

describe('following the lengths of MQTT packets', () => {
  it('lets any packets within the limit through, however the stream is cut into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (sizes, cuts) => {
          const stream = concat(sizes.map(packet))
          const lengths = new PacketLengths(300)
          for (let at = 0, n = 0; at < stream.length; n++) {
            const step = cuts[n % cuts.length]!
            expect(lengths.read(stream.subarray(at, at + step))).toBeUndefined()
            at += step
          }
        },
      ),
    )
  })

  it('sees a packet over the limit in its header, before its body', () => {
    const header = (bodyBytes: number) => packet(bodyBytes).subarray(0, 5)
    expect(new PacketLengths(300).read(packet(301).subarray(0, 3))).toBe('too-large')
    expect(new PacketLengths(300).read(header(10_000_000))).toBe('too-large')
    const lengths = new PacketLengths(300)
    expect(lengths.read(concat([packet(300), packet(0), packet(301)]))).toBe('too-large')
  })

  it('calls a length of more than four bytes malformed', () => {
    expect(new PacketLengths(300).read(Uint8Array.of(0x10, 0x80, 0x80, 0x80, 0x80, 0x00))).toBe('malformed')
  })
})
