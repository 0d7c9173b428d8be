import { isthmus } from '#messages'
import { crc32 } from './checksum.ts'
import { IsthmusError } from './errors.ts'
import * as fill from './fields/index.ts'
import {
  type Body,
  type Envelope,
  MAX_BID_BYTES,
  MAX_HEADER_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_TELL_BYTES,
  type Message,
  SCHEMA_VERSION,
} from './message.ts'
import { wireError } from './wire-errors.ts'

const { v1 } = isthmus

const ENVELOPE_FIELD = 1
const FIRST_BODY_FIELD = 2
const LAST_BODY_FIELD = 26
const PAYLOAD_FIELD = 14
const CHECKSUM_FIELD = 15
const CHECKSUM_TAG = (15 << 3) | 5
const CHECKSUM_BYTES = 5
const LENGTH_DELIMITED = 2

/**
 * Reads one packet. The payload is a view into it: copy it, or keep the packet alive and unchanged.
 * Throws only IsthmusErrors of the wire table: TOO_LARGE (before anything is read), BAD_CHECKSUM, UNSUPPORTED_SCHEMA,
 * BAD_MESSAGE, BAD_SHAPE, NOT_FINITE.
 */
export function decodeMessage(packet: Uint8Array, maxBytes: number = MAX_MESSAGE_BYTES): Message {
  if (packet.length > maxBytes) {
    throw wireError('TOO_LARGE', `The packet has ${packet.length} bytes, at most ${maxBytes} are read`)
  }
  // A plain view: Buffer's slice() and subclass rules stay out of what callers get.
  const bytes = new Uint8Array(packet.buffer, packet.byteOffset, packet.length)
  try {
    return readMessage(bytes, checkedEnd(bytes))
  } catch (error) {
    if (error instanceof IsthmusError) throw error
    throw wireError('BAD_MESSAGE', 'The packet is not a readable message', error)
  }
}

/** Where the checked bytes end: the checksum is the last field and covers everything before it. */
function checkedEnd(bytes: Uint8Array): number {
  const end = bytes.length - CHECKSUM_BYTES
  if (end < 0 || bytes[end] !== CHECKSUM_TAG) throw bad('The packet does not end with a checksum')
  const declared =
    (bytes[end + 1]! | (bytes[end + 2]! << 8) | (bytes[end + 3]! << 16) | (bytes[end + 4]! << 24)) >>> 0
  if (crc32(bytes, end) !== declared) throw wireError('BAD_CHECKSUM', 'The checksum does not match')
  return end
}

// The outermost fields are walked by hand: protobufjs would merge what stands twice, and would build a body however large.
// Here each field stands once, and envelope and body are known to be small before they are built.
function readMessage(bytes: Uint8Array, end: number): Message {
  let envelope: Envelope | undefined
  let body: Body | undefined
  let payload: Uint8Array | undefined
  let headerBytes = end
  for (let at = 0; at < end; ) {
    const start = at
    const first = bytes[start]!
    // Fields from 16 on have a tag of two bytes; there is none whose tag is longer.
    const tagBytes = first < 0x80 ? 1 : 2
    const field = (tagBytes === 1 ? first : (first & 0x7f) | ((bytes[start + 1] ?? 0) << 7)) >>> 3
    const canonical = tagBytes === 1 || (start + 1 < end && field >= 16 && bytes[start + 1]! < 0x80)
    if ((first & 7) !== LENGTH_DELIMITED || !canonical) {
      throw bad(`Byte ${start} starts no field of a message`)
    }
    const content = lengthDelimited(bytes, start + tagBytes, end)
    at = content.byteOffset - bytes.byteOffset + content.length

    if (field === ENVELOPE_FIELD && envelope === undefined) {
      if (content.length > MAX_HEADER_BYTES) throw headerTooLarge(content.length)
      const fields = v1.Envelope.decode(content)
      // First of all: other schemas may hold anything, in their envelope and after it.
      const schema = fields.schema ?? 0
      if (schema !== SCHEMA_VERSION) throw fill.unsupportedSchema(schema)
      envelope = fill.envelopeFrom(fields, schema)
    } else if (envelope === undefined) {
      throw bad('The message does not start with its envelope')
    } else if (isBody(field) && body === undefined) {
      if (content.length > MAX_HEADER_BYTES) throw headerTooLarge(content.length)
      body = readBody(field, content)
    } else if (field === PAYLOAD_FIELD && payload === undefined) {
      payload = content
      headerBytes -= at - start
    } else {
      throw bad(`Field ${field} is unknown or stands twice in the message`)
    }
  }
  if (headerBytes > MAX_HEADER_BYTES) throw headerTooLarge(headerBytes)
  if (envelope === undefined || body === undefined) throw bad('The message has no body')
  payload ??= bytes.subarray(end, end)
  fill.checkParts(envelope, body, payload.length)
  return { envelope, body, payload }
}

const isBody = (field: number) =>
  field >= FIRST_BODY_FIELD && field <= LAST_BODY_FIELD && field !== PAYLOAD_FIELD && field !== CHECKSUM_FIELD

function readBody(field: number, content: Uint8Array): Body {
  switch (field) {
    case 2:
      return fill.birthFrom(v1.Birth.decode(content))
    case 3: {
      const state = v1.State.decode(content)
      return fill.stateFrom(state, fill.presenceOf(state.presence ?? 0))
    }
    case 4: {
      const infer = v1.InferRequest.decode(content)
      return fill.inferFrom(infer, fill.routeOf(infer.route ?? 0))
    }
    case 5:
      return fill.replyFrom(v1.InferReply.decode(content))
    case 6:
      return fill.errorFrom(v1.ErrorReply.decode(content))
    case 7:
      v1.Probe.decode(content)
      return { kind: 'probe' }
    case 8:
      return fill.probeReplyFrom(v1.ProbeReply.decode(content))
    case 9:
      return fill.stagesFrom(v1.StagesRequest.decode(content))
    case 10:
      return fill.stagesReplyFrom(v1.StagesReply.decode(content))
    case 11:
      if (content.length > MAX_TELL_BYTES) throw bad(`The tell has ${content.length} bytes`)
      return fill.tellFrom(v1.Tell.decode(content))
    case 12: {
      const sample = v1.Sample.decode(content)
      return fill.sampleFrom(sample, fill.inputOf(sample.input ?? 0))
    }
    case 13:
      return fill.patchFrom(v1.Patch.decode(content))
    case 16: {
      const request = v1.PatchRequest.decode(content)
      return fill.patchRequestFrom(request, fill.reasonOf(request.reason ?? 0))
    }
    case 18:
      return fill.bidFrom(v1.Bid.decode(small(content, 'bid')))
    case 19: {
      const award = v1.Award.decode(content)
      return fill.awardFrom(award, fill.outcomeOf(award.outcome ?? 0))
    }
    case 20:
      return fill.renewFrom(v1.Renew.decode(small(content, 'renewal')))
    case 21:
      return fill.releaseFrom(v1.Release.decode(small(content, 'release')))
    case 22:
      return fill.capacityFrom(v1.Capacity.decode(content))
    case 23:
      return fill.claimFrom(v1.Claim.decode(content))
    case 24:
      return fill.grantsFrom(v1.Grants.decode(content))
    case 26:
      return fill.marketMemoryFrom(v1.MarketMemory.decode(content))
    default:
      throw bad(`Body ${field} is of a kind that this version does not know`)
  }
}

function small(content: Uint8Array, what: string): Uint8Array {
  if (content.length > MAX_BID_BYTES) throw bad(`The ${what} has ${content.length} bytes`)
  return content
}

/** The content of a length-delimited field whose length stands at `start`. */
function lengthDelimited(bytes: Uint8Array, start: number, end: number): Uint8Array {
  let length = 0
  // Four bytes of length reach 256 MiB: more than any packet here.
  for (let at = start, shift = 0; at < end && shift < 28; shift += 7) {
    const byte = bytes[at++]!
    length |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      if (length > end - at) break
      return bytes.subarray(at, at + length)
    }
  }
  throw bad('A declared length does not fit the packet')
}

function headerTooLarge(headerBytes: number) {
  return wireError(
    'TOO_LARGE',
    `Envelope and body take ${headerBytes} bytes, at most ${MAX_HEADER_BYTES} are read`,
  )
}

function bad(detail: string) {
  return wireError('BAD_MESSAGE', detail)
}
