/** MQTT 3.1.1, 3.3: type and flags of a PUBLISH with QoS 0 that is neither retained nor repeated. */
const PLAIN_PUBLISH = 0x30

/** A whole plain PUBLISH packet in one buffer: `payload` to `topic` (UTF-8), with QoS 0. */
export function plainPublish(topic: Uint8Array, payload: Uint8Array): Buffer {
  const bodyBytes = 2 + topic.length + payload.length
  const lengthBytes = bodyBytes < 0x80 ? 1 : bodyBytes < 0x4000 ? 2 : bodyBytes < 0x200000 ? 3 : 4
  const packet = Buffer.allocUnsafe(1 + lengthBytes + bodyBytes)
  packet[0] = PLAIN_PUBLISH
  let at = 1
  for (let left = bodyBytes; at <= lengthBytes; left >>>= 7) {
    packet[at] = (left & 0x7f) | (at < lengthBytes ? 0x80 : 0)
    at++
  }
  packet.writeUInt16BE(topic.length, at)
  packet.set(topic, at + 2)
  packet.set(payload, at + 2 + topic.length)
  return packet
}

/**
 * What a plain PUBLISH to exactly `topic` (UTF-8) carries, as a view; undefined for any other packet, and for bytes
 * that are not one whole packet.
 */
export function plainPayload(packet: Buffer, topic: Uint8Array): Buffer | undefined {
  if (packet[0] !== PLAIN_PUBLISH) return undefined
  let bodyBytes = 0
  let at = 1
  for (let more = true; more; at++) {
    if (at > 4 || at >= packet.length) return undefined
    bodyBytes |= (packet[at]! & 0x7f) << (7 * (at - 1))
    more = packet[at]! >= 0x80
  }
  const payloadAt = at + 2 + topic.length
  if (packet.length !== at + bodyBytes || packet.length < payloadAt) return undefined
  if (packet.readUInt16BE(at) !== topic.length) return undefined
  return packet.compare(topic, 0, topic.length, at + 2, payloadAt) === 0
    ? packet.subarray(payloadAt)
    : undefined
}
