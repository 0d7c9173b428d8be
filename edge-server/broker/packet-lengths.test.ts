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

const wrongWith = (bytes: Uint8Array, maxBytes = 300) => {
  const reading = new PacketLengths(maxBytes).read(bytes)
  return 'wrong' in reading ? reading.wrong : undefined
}

describe('following the lengths of MQTT packets', () => {
  it('counts packets within the limit, however the stream is cut into chunks', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        (sizes, cuts) => {
          const stream = concat(sizes.map(packet))
          const lengths = new PacketLengths(300)
          let packets = 0
          for (let at = 0, n = 0; at < stream.length; n++) {
            const chunk = stream.subarray(at, at + cuts[n % cuts.length]!)
            const reading = lengths.read(chunk)
            expect(reading).toMatchObject({ bytes: chunk.length })
            if ('cost' in reading) packets += reading.cost
            at += chunk.length
          }
          expect(packets).toBe(sizes.length)
        },
      ),
    )
  })

  it('stops where a packet would begin when the budget is used up, and goes on there', () => {
    const lengths = new PacketLengths(300)
    const stream = concat([packet(200), packet(0), packet(5), packet(9)])
    const first = lengths.read(stream, 2)
    expect(first).toEqual({ bytes: packet(200).length + packet(0).length, cost: 2 })
    const rest = stream.subarray('bytes' in first ? first.bytes : 0)
    expect(lengths.read(rest, 9)).toEqual({ bytes: rest.length, cost: 2 })
  })

  it('counts a large packet for several, and lets it pass once it has begun', () => {
    const lengths = new PacketLengths(100_000)
    const stream = concat([packet(65_536), packet(0)])
    expect(lengths.read(stream.subarray(0, 9), 1)).toEqual({ bytes: 9, cost: 5 })
    expect(lengths.read(stream.subarray(9), 0)).toEqual({ bytes: packet(65_536).length - 9, cost: 0 })
  })

  it('sees a packet over the limit in its header, before its body', () => {
    expect(wrongWith(packet(300))).toBeUndefined()
    expect(wrongWith(packet(301).subarray(0, 3))).toBe('too-large')
    expect(wrongWith(packet(10_000_000).subarray(0, 5))).toBe('too-large')
    expect(wrongWith(concat([packet(300), packet(0), packet(301)]))).toBe('too-large')
  })

  it('calls a length of more than four bytes malformed', () => {
    expect(wrongWith(Uint8Array.of(0x10, 0x80, 0x80, 0x80, 0x80, 0x00))).toBe('malformed')
  })
})
