import { isthmus } from '#messages'
import { crc32 } from './checksum.ts'
import * as fill from './fields/index.ts'
import {
  type Body,
  type BodyFields,
  MAX_DETAIL_CHARS,
  MAX_HEADER_BYTES,
  MAX_MESSAGE_BYTES,
  type MessageFields,
  SCHEMA_VERSION,
} from './message.ts'
import { wireError } from './wire-errors.ts'

const PAYLOAD_TAG = (14 << 3) | 2
const CHECKSUM_TAG = (15 << 3) | 5
const noPayload = new Uint8Array(0)

/**
 * The bytes of one message, in a fresh buffer that holds nothing else (so it may be transferred). The payload, or its parts one
 * after another, is copied once.
 * The detail of an error or award is cut to 256 characters; everything else that does not fit throws an IsthmusError: BAD_MESSAGE,
 * BAD_SHAPE, NOT_FINITE, UNSUPPORTED_SCHEMA, TOO_LARGE.
 */
export function encodeMessage(
  fields: MessageFields,
  payload: Uint8Array | readonly Uint8Array[] = noPayload,
): Uint8Array<ArrayBuffer> {
  const envelope = fill.envelopeFrom(fields.envelope, fields.envelope.schema ?? SCHEMA_VERSION)
  const body = bodyFrom(fields.body)
  const parts = payload instanceof Uint8Array ? [payload] : payload
  const payloadBytes = parts.reduce((sum, { length }) => sum + length, 0)
  fill.checkParts(envelope, body, payloadBytes)

  const header = isthmus.v1.Message.encode({ envelope, ...onWire(body) })
  const headerBytes = header.pos
  const payloadHead = payloadBytes === 0 ? 0 : 1 + varintBytes(payloadBytes)
  const total = headerBytes + payloadHead + payloadBytes + 5
  if (headerBytes > MAX_HEADER_BYTES) {
    throw wireError(
      'TOO_LARGE',
      `Envelope and body take ${headerBytes} bytes, at most ${MAX_HEADER_BYTES} fit`,
    )
  }
  if (total > MAX_MESSAGE_BYTES) {
    throw wireError('TOO_LARGE', `The message takes ${total} bytes, at most ${MAX_MESSAGE_BYTES} fit`)
  }

  const packet = new Uint8Array(total)
  header.finishInto(packet)
  let end = headerBytes
  if (payloadBytes > 0) {
    packet[end++] = PAYLOAD_TAG
    end = writeVarint(packet, end, payloadBytes)
    for (const part of parts) {
      packet.set(part, end)
      end += part.length
    }
  }
  const checksum = crc32(packet, end)
  packet[end] = CHECKSUM_TAG
  packet[end + 1] = checksum
  packet[end + 2] = checksum >>> 8
  packet[end + 3] = checksum >>> 16
  packet[end + 4] = checksum >>> 24
  return packet
}

function bodyFrom(fields: BodyFields): Body {
  switch (fields.kind) {
    case 'birth':
      return fill.birthFrom(fields)
    case 'state':
      return fill.stateFrom(fields, fields.presence)
    case 'infer':
      return fill.inferFrom(fields, fields.route)
    case 'reply':
      return fill.replyFrom(fields)
    case 'error':
      return fill.errorFrom({ ...fields, detail: shorten(fields.detail) })
    case 'probe':
      return { kind: 'probe' }
    case 'probeReply':
      return fill.probeReplyFrom(fields)
    case 'stages':
      return fill.stagesFrom(fields)
    case 'stagesReply':
      return fill.stagesReplyFrom(fields)
    case 'tell':
      return fill.tellFrom(fields)
    case 'sample':
      return fill.sampleFrom(fields, fields.input)
    case 'patch':
      return fill.patchFrom(fields)
    case 'patchRequest':
      return fill.patchRequestFrom(fields, fields.reason)
    case 'bid':
      return fill.bidFrom(fields)
    case 'award':
      return fill.awardFrom({ ...fields, detail: shorten(fields.detail ?? '') }, fields.outcome)
    case 'renew':
      return fill.renewFrom(fields)
    case 'release':
      return fill.releaseFrom(fields)
    case 'capacity':
      return fill.capacityFrom(fields)
    case 'claim':
      return fill.claimFrom(fields)
    case 'grants':
      return fill.grantsFrom(fields)
    case 'marketMemory':
      return fill.marketMemoryFrom(fields)
    default:
      throw wireError('BAD_MESSAGE', `There is no body of the kind ${JSON.stringify((fields as Body).kind)}`)
  }
}

function onWire(body: Body): isthmus.v1.Message.$Properties {
  switch (body.kind) {
    case 'infer':
      return { infer: { ...body, route: fill.numberOfRoute(body.route) } }
    case 'state':
      return { state: { ...body, presence: fill.numberOfPresence(body.presence) } }
    case 'award':
      return { award: { ...body, outcome: fill.numberOfOutcome(body.outcome) } }
    case 'sample':
      return { sample: { ...body, dims: [...body.dims], input: fill.numberOfInput(body.input) } }
    case 'patchRequest':
      return { patchRequest: { ...body, reason: fill.numberOfReason(body.reason) } }
    default:
      return { [body.kind]: body }
  }
}

/** An error must always get through, whatever text an inner error brought along. */
function shorten(detail: string): string {
  const short = detail.length > MAX_DETAIL_CHARS ? `${detail.slice(0, MAX_DETAIL_CHARS - 1)}…` : detail
  return short.replace(/\p{Surrogate}/gu, '\ufffd')
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : 3
}

function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let end = at
  for (; rest >= 0x80; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80
  bytes[end++] = rest
  return end
}
