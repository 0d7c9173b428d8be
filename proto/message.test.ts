import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isthmus } from '#messages'
import { bodyKinds, message, messageOf } from './arbitrary-message.test.fixture.ts'
import { crc32 } from './checksum.ts'
import { decodeMessage } from './decode-message.ts'
import { encodeMessage } from './encode-message.ts'
import { type Envelope, MAX_MESSAGE_BYTES, MAX_TELL_BYTES, type MessageFields } from './message.ts'

const request: MessageFields = {
  envelope: { id: 7, boot: 3, sequence: 9, budgetUs: 120_000, sentUs: 4_000_000_000, receiverUs: 5 },
  body: { kind: 'infer', bundle: 0xdeadbeef, mode: 2, route: 'split' },
}

describe('a message', () => {
  it.each(bodyKinds)('comes back as it was sent: %s', (kind) => {
    fc.assert(
      fc.property(messageOf(kind), (sent) => {
        expect(decodeMessage(encodeMessage(sent, sent.payload))).toEqual(sent)
      }),
    )
  })

  it('is a protobuf message that any protobuf reader understands', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const packet = encodeMessage(sent, sent.payload)
        const read = isthmus.v1.Message.decode(packet)
        expect(read.body).toBe(sent.body.kind)
        expect(read.envelope?.id).toBe(sent.envelope.id)
        expect(Buffer.from(read.payload ?? [])).toEqual(Buffer.from(sent.payload))
        const checksum = new DataView(packet.buffer).getUint32(packet.length - 4, true)
        expect(read.checksum ?? 0).toBe(checksum)
      }),
    )
  })

  it('may come from any protobuf writer that adds the checksum', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const ours = encodeMessage(sent, sent.payload)
        const { checksum: _, ...unchecked } = isthmus.v1.Message.decode(ours)
        const theirs = isthmus.v1.Message.encode(unchecked).finish()
        const checksum = Buffer.alloc(5)
        checksum[0] = ours.at(-5)!
        checksum.writeUInt32LE(crc32(theirs, theirs.length), 1)
        const read = decodeMessage(Buffer.concat([theirs, checksum]))
        const own = decodeMessage(ours)
        expect({ ...read, payload: [...read.payload] }).toEqual({ ...own, payload: [...own.payload] })
      }),
    )
  })

  it('keeps its bytes from version to version', () => {
    const packet = encodeMessage(request, Uint8Array.of(1, 2, 3))
    expect(Buffer.from(packet).toString('hex')).toBe(
      [
        '0a19' + '0801' + '1007' + '1d03000000' + '2009' + '28c0a907' + '3500286bee' + '3d05000000', // envelope
        '2209' + '0defbeadde' + '1002' + '1802', // infer
        '7203' + '010203', // payload
        '7d' + '9eacade6', // checksum
      ].join(''),
    )
  })

  it('fills what the sender left out', () => {
    const { envelope, body, payload } = decodeMessage(
      encodeMessage({ envelope: {}, body: { kind: 'birth', software: 'isthmus 0.1.0' } }),
    )
    const expected: Envelope = {
      schema: 1,
      id: 0,
      boot: 0,
      sequence: 0,
      budgetUs: 0,
      sentUs: 0,
      receiverUs: undefined,
      replyTopic: '',
      server: undefined,
    }
    expect(envelope).toEqual(expected)
    expect(body).toEqual({
      kind: 'birth',
      software: 'isthmus 0.1.0',
      bundles: [],
      credits: 0,
      epoch: 0,
      maxMessageBytes: 0,
      pipelines: [],
    })
    expect(payload).toHaveLength(0)
  })

  it.each([0, 1, 127, 128, 16_383, 16_384, 100_000])('carries a payload of %i bytes', (payloadBytes) => {
    const payload = new Uint8Array(payloadBytes).fill(0xa5)
    const packet = encodeMessage(request, payload)
    expect(isthmus.v1.Message.decode(packet).payload ?? []).toHaveLength(payloadBytes)
    expect(Buffer.compare(decodeMessage(packet).payload, payload)).toBe(0)
  })

  it('lies alone in its buffer, so that it may be transferred', () => {
    const packet = encodeMessage(request, new Uint8Array(10_000))
    expect(packet.byteOffset).toBe(0)
    expect(packet.buffer.byteLength).toBe(packet.length)
  })

  it('gives its payload as a view into the packet, also out of a pooled Buffer', () => {
    const pool = Buffer.alloc(20_000)
    const packet = encodeMessage(request, Uint8Array.of(1, 2, 3))
    pool.set(packet, 1001)
    const { payload } = decodeMessage(pool.subarray(1001, 1001 + packet.length))
    expect(payload).toEqual(Uint8Array.of(1, 2, 3))
    expect(Buffer.isBuffer(payload)).toBe(false)
    pool[payload.byteOffset - pool.byteOffset] = 9
    expect(payload[0]).toBe(9)
  })

  it('adds at most 64 bytes to the payload of a request, with the longest numbers that occur', () => {
    const longest: MessageFields = {
      envelope: {
        id: 0xffffffff,
        boot: 0xffffffff,
        sequence: 0xffffffff,
        budgetUs: 60_000_000,
        sentUs: 0xffffffff,
        receiverUs: 0xffffffff,
      },
      body: { kind: 'infer', bundle: 0xffffffff, mode: 127, route: 'split', scale: 0.1, zeroPoint: 255 },
    }
    const payload = new Uint8Array(100_000)
    expect(encodeMessage(longest, payload).length - payload.length).toBeLessThanOrEqual(64)
  })

  it('is 1 KiB at most when it tells something', () => {
    const servers = Array.from({ length: 16 }, (_, at) => 0xffffffff - at)
    const [sent, deciding] = [new Uint8Array(16 * 16), new Uint8Array(17 * 16)]
    const body = { kind: 'tell', network: 0xffffffff, servers, sent, deciding, allowed: 0xffffffff } as const
    const envelope = { boot: 1, sequence: 0xffffffff, sentUs: 1 }
    expect(encodeMessage({ envelope, body }).length).toBeLessThan(MAX_TELL_BYTES)
    expect(decodeMessage(encodeMessage({ envelope, body })).body).toEqual(body)
  })

  it('shortens the text of an error, so that the error always gets through', () => {
    const detail = `\ud83d${'x'.repeat(253)}😀${'y'.repeat(1000)}`
    const { body } = decodeMessage(encodeMessage({ envelope: {}, body: { kind: 'error', code: 15, detail } }))
    expect(body).toMatchObject({ kind: 'error', detail: `\ufffd${'x'.repeat(253)}\ufffd…` })
  })
})

describe('a message that cannot be sent', () => {
  const infer = { kind: 'infer', bundle: 1, mode: 0, route: 'split' } as const
  const birth = { kind: 'birth', software: '' } as const
  const stages = { kind: 'stages', pipeline: 1, stages: 1, inputs: [], outputs: [] } as const
  const tell = { kind: 'tell', network: 1, servers: [1, 2] } as const
  const sample = {
    kind: 'sample',
    family: 1,
    number: 1,
    input: 'pixels',
    entropy: 1,
    dims: [0, 0, 3],
  } as const
  const offer = { name: 'street', version: '1.0.0', key: 1 }
  const cases: [string, MessageFields, string][] = [
    ['a negative number', { envelope: { id: -1 }, body: infer }, 'BAD_MESSAGE'],
    ['a fraction', { envelope: { id: 1, budgetUs: 1.5 }, body: infer }, 'BAD_MESSAGE'],
    ['a number above 32 bits', { envelope: { id: 1, sentUs: 2 ** 32 }, body: infer }, 'BAD_MESSAGE'],
    ['NaN', { envelope: { id: 1, sentUs: Number.NaN }, body: infer }, 'BAD_MESSAGE'],
    ['a request without id', { envelope: {}, body: infer }, 'BAD_MESSAGE'],
    ['a wildcard to answer to', { envelope: { id: 1, replyTopic: 'isthmus/#' }, body: infer }, 'BAD_MESSAGE'],
    [
      'an unknown route',
      { envelope: { id: 1 }, body: { ...infer, route: 'toString' as 'split' } },
      'BAD_MESSAGE',
    ],
    ['an unknown kind', { envelope: { id: 1 }, body: { kind: 'simple' as 'probe' } }, 'BAD_MESSAGE'],
    ['another schema', { envelope: { id: 1, schema: 2 }, body: infer }, 'UNSUPPORTED_SCHEMA'],
    ['a scale beyond float32', { envelope: { id: 1 }, body: { ...infer, scale: 1e300 } }, 'NOT_FINITE'],
    ['an error without code', { envelope: {}, body: { kind: 'error', code: 0, detail: '' } }, 'BAD_MESSAGE'],
    [
      'dims unlike the payload',
      { envelope: { id: 1 }, body: { kind: 'reply', bundle: 1, dims: [3] } },
      'BAD_SHAPE',
    ],
    [
      'nine dims',
      { envelope: { id: 1 }, body: { kind: 'reply', bundle: 1, dims: Array(9).fill(0) } },
      'BAD_MESSAGE',
    ],
    [
      'nine decoders',
      { envelope: { id: 1 }, body: { ...infer, decoders: [1, 2, 3, 4, 5, 6, 7, 8, 9] } },
      'BAD_MESSAGE',
    ],
    ['a decoder named twice', { envelope: { id: 1 }, body: { ...infer, decoders: [4, 4] } }, 'BAD_MESSAGE'],
    [
      'decoders that do not say how much they give',
      { envelope: { id: 1 }, body: { kind: 'reply', bundle: 1, dims: [0], decoders: [4] } },
      'BAD_MESSAGE',
    ],
    [
      'numbers of decoders unlike the payload',
      {
        envelope: { id: 1 },
        body: { kind: 'reply', bundle: 1, dims: [0], decoders: [4], decoderValues: [2] },
      },
      'BAD_SHAPE',
    ],
    ['65 bundles', { envelope: {}, body: { ...birth, bundles: Array(65).fill(offer) } }, 'BAD_MESSAGE'],
    ['65 pipelines', { envelope: {}, body: { ...birth, pipelines: Array(65).fill(offer) } }, 'BAD_MESSAGE'],
    [
      'a pipeline of 33 stages',
      { envelope: {}, body: { ...birth, pipelines: [{ ...offer, stageUs: Array(33).fill(1) }] } },
      'BAD_MESSAGE',
    ],
    ['a request for no stage', { envelope: { id: 1 }, body: { ...stages, stages: 0 } }, 'BAD_MESSAGE'],
    [
      'a request that brings 65 tensors',
      { envelope: { id: 1 }, body: { ...stages, inputs: Array(65).fill(1) } },
      'BAD_MESSAGE',
    ],
    [
      'a time that is no number',
      { envelope: { id: 1 }, body: { kind: 'stagesReply', pipeline: 1, stageUs: [Number.NaN] } },
      'BAD_MESSAGE',
    ],
    ['17 servers', { envelope: {}, body: { ...tell, servers: Array.from(Array(17).keys()) } }, 'BAD_MESSAGE'],
    ['a server twice', { envelope: {}, body: { ...tell, servers: [7, 7] } }, 'BAD_MESSAGE'],
    ['17 values a server', { envelope: {}, body: { ...tell, sent: new Uint8Array(34) } }, 'BAD_MESSAGE'],
    [
      'values for half a server',
      { envelope: {}, body: { ...tell, deciding: new Uint8Array(4) } },
      'BAD_MESSAGE',
    ],
    [
      'values of no server',
      { envelope: {}, body: { ...tell, servers: [], sent: new Uint8Array(1) } },
      'BAD_MESSAGE',
    ],
    ['a sample without number', { envelope: {}, body: { ...sample, number: 0 } }, 'BAD_MESSAGE'],
    ['a sample of nothing', { envelope: {}, body: { ...sample, input: 'image', dims: [] } }, 'BAD_MESSAGE'],
    ['an unknown input', { envelope: {}, body: { ...sample, input: 'sound' as 'image' } }, 'BAD_MESSAGE'],
    ['an entropy below 0', { envelope: {}, body: { ...sample, entropy: -0.1 } }, 'BAD_MESSAGE'],
    ['an entropy that is NaN', { envelope: {}, body: { ...sample, entropy: Number.NaN } }, 'NOT_FINITE'],
    ['pixels unlike the payload', { envelope: {}, body: { ...sample, dims: [2, 2, 3] } }, 'BAD_SHAPE'],
    ['dims of an image', { envelope: {}, body: { ...sample, input: 'image', dims: [1] } }, 'BAD_MESSAGE'],
    ['an empty patch', { envelope: {}, body: { kind: 'patch', family: 1, version: 1 } }, 'BAD_MESSAGE'],
    ['a patch of version 0', { envelope: {}, body: { kind: 'patch', family: 1, version: 0 } }, 'BAD_MESSAGE'],
    [
      'a request for a patch without reason',
      { envelope: {}, body: { kind: 'patchRequest', family: 1, reason: 'constructor' as 'gap' } },
      'BAD_MESSAGE',
    ],
    [
      'a bundle name of 129 characters',
      { envelope: {}, body: { ...birth, bundles: [{ ...offer, name: 'n'.repeat(129) }] } },
      'BAD_MESSAGE',
    ],
    [
      'half a surrogate pair',
      { envelope: {}, body: { ...birth, bundles: [{ ...offer, name: 'a\ud800' }] } },
      'BAD_MESSAGE',
    ],
    [
      'names that together are too long',
      { envelope: {}, body: { ...birth, bundles: Array(64).fill({ ...offer, name: 'é'.repeat(128) }) } },
      'TOO_LARGE',
    ],
  ]

  it.each(cases)('is refused: %s', (_, fields, code) => {
    expect(() => encodeMessage(fields)).toThrow(expect.objectContaining({ name: 'IsthmusError', code }))
  })

  it('is the same when its payload comes in parts', () => {
    const parts = [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)]
    expect(encodeMessage(request, parts)).toEqual(encodeMessage(request, Uint8Array.of(1, 2, 3)))
    expect(encodeMessage(request, [])).toEqual(encodeMessage(request))
  })

  it('is refused when it is larger than 128 KiB as a whole, and sent when it just fits', () => {
    const overhead = encodeMessage(request, new Uint8Array(100_000)).length - 100_000
    const largest = new Uint8Array(MAX_MESSAGE_BYTES - overhead)
    expect(encodeMessage(request, largest)).toHaveLength(MAX_MESSAGE_BYTES)
    expect(() => encodeMessage(request, new Uint8Array(largest.length + 1))).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE' }),
    )
  })
})
