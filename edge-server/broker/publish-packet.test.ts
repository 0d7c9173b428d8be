import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PacketLengths } from './packet-lengths.ts'
import { plainPayload, plainPublish } from './publish-packet.ts'

const topicBytes = Buffer.from('isthmus/1/yard/cam/infer')
const payloadOf = (bytes: number) => Buffer.alloc(bytes, 7)

describe('a plain PUBLISH', () => {
  it('is written as MQTT 3.1.1 says', () => {
    expect([...plainPublish(Buffer.from('a/b'), Uint8Array.of(9, 8))]).toEqual([
      0x30, 7, 0, 3, 0x61, 0x2f, 0x62, 9, 8,
    ])
    const long = plainPublish(Buffer.from('a'), payloadOf(126))
    expect([...long.subarray(0, 6)]).toEqual([0x30, 0x81, 0x01, 0, 1, 0x61])
  })

  it.each([0, 1, 100, 101, 102, 16_356, 16_357, 16_358, 131_072, 2_097_125, 2_097_126, 2_097_127])(
    'with %i bytes of payload is one packet, and gives them back',
    (bytes) => {
      const packet = plainPublish(topicBytes, payloadOf(bytes))
      const lengths = new PacketLengths(1 << 28)
      expect(lengths.read(packet, 1)).toMatchObject({ bytes: packet.length })
      expect(lengths.read(packet, 0)).toMatchObject({ bytes: 0 })
      expect(plainPayload(packet, topicBytes)?.equals(payloadOf(bytes))).toBe(true)
    },
  )

  it('is told from one to another topic, with other flags, cut short or followed by more', () => {
    const packet = plainPublish(topicBytes, payloadOf(200))
    expect(plainPayload(plainPublish(Buffer.from('isthmus/1/yard/cam/inf'), payloadOf(9)), topicBytes)).toBe(
      undefined,
    )
    expect(
      plainPayload(plainPublish(Buffer.from('isthmus/1/yard/cat/infer'), payloadOf(9)), topicBytes),
    ).toBe(undefined)
    for (const first of [0x31, 0x32, 0x38, 0x82]) {
      const other = Buffer.from(packet)
      other[0] = first
      expect(plainPayload(other, topicBytes)).toBe(undefined)
    }
    for (let end = 0; end < packet.length; end++) {
      expect(plainPayload(packet.subarray(0, end), topicBytes)).toBe(undefined)
    }
    expect(plainPayload(Buffer.concat([packet, packet]), topicBytes)).toBe(undefined)
  })

  it('is found in no other bytes, and none make it throw', () => {
    const bytes = fc.uint8Array({ maxLength: 40 })
    fc.assert(
      fc.property(bytes, bytes, (start, rest) => {
        const packet = Buffer.concat([Buffer.of(0x30), start, topicBytes, rest])
        const payload = plainPayload(packet, topicBytes)
        if (payload) expect(plainPublish(topicBytes, payload).equals(packet)).toBe(true)
      }),
    )
  })
})
