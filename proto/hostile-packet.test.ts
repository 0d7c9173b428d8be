import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { message } from './arbitrary-message.test.fixture.ts'
import { crc32 } from './checksum.ts'
import { decodeMessage } from './decode-message.ts'
import { encodeMessage } from './encode-message.ts'
import { IsthmusError } from './errors.ts'
import { MAX_MESSAGE_BYTES, type Message } from './message.ts'
import { isWireErrorCode } from './wire-errors.ts'

/** Reads a packet; the code of the typed error if that fails. Any other error fails the test. */
function read(packet: Uint8Array): Message | string {
  try {
    return decodeMessage(packet)
  } catch (error) {
    if (!(error instanceof IsthmusError) || !isWireErrorCode(error.code)) throw error
    expect(error.message).not.toBe('')
    return error.code
  }
}

/** A packet whose checksum is right, whatever it covers. */
function sealed(...parts: (Uint8Array | readonly number[])[]): Uint8Array {
  const content = Uint8Array.from(parts.flatMap((part) => [...part]))
  const packet = new Uint8Array(content.length + 5)
  packet.set(content)
  packet[content.length] = 0x7d
  new DataView(packet.buffer).setUint32(content.length + 1, crc32(content), true)
  return packet
}

function field(number: number, content: Uint8Array | readonly number[]): number[] {
  return [...varint((number << 3) | 2), ...varint(content.length), ...content]
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

const ascii = (text: string) => [...Buffer.from(text, 'latin1')]
const envelope = field(1, [0x08, 1, 0x10, 7]) // schema 1, id 7
const probe = field(7, [])

/** Whatever is read must be something that could have been sent. */
function expectTypedOutcome(packet: Uint8Array): void {
  const result = read(packet)
  if (typeof result === 'string') return
  const again = decodeMessage(encodeMessage(result, result.payload))
  expect(again).toEqual(result)
}

describe('bytes from anywhere', () => {
  it('get a typed error when they are random', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(read(bytes)).toBeTypeOf('string')
      }),
    )
  })

  it('get a typed error or a sound message when they are random behind a right checksum', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => expectTypedOutcome(sealed(bytes))),
      { numRuns: 500 },
    )
  })

  it('get a typed error or a sound message when only the fields inside are random', () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .array(fc.tuple(fc.nat(127), fc.uint8Array({ maxLength: 9 })))
        .map((fields) => fields.flatMap(([tag, rest]) => [tag, ...rest])),
    )
    const fields = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 15 }), content).map(([number, bytes]) => field(number, bytes)),
      {
        maxLength: 4,
      },
    )
    fc.assert(
      fc.property(fc.constantFrom(envelope, []), fields, (head, rest) =>
        expectTypedOutcome(sealed(head, rest.flat())),
      ),
      { numRuns: 2000 },
    )
  })

  it('get a typed error when a message was cut off, wherever', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const packet = encodeMessage(sent, sent.payload)
        for (let length = 0; length < packet.length; length++) {
          expect(read(packet.subarray(0, length))).toBeTypeOf('string')
        }
      }),
      { numRuns: 30 },
    )
  })

  it('get a typed error when any single bit of a message was flipped', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const packet = encodeMessage(sent, sent.payload)
        for (let bit = 0; bit < packet.length * 8; bit++) {
          packet[bit >>> 3]! ^= 1 << (bit & 7)
          expect(read(packet)).toMatch(/^BAD_(CHECKSUM|MESSAGE)$/)
          packet[bit >>> 3]! ^= 1 << (bit & 7)
        }
      }),
      { numRuns: 20 },
    )
  })

  it('get a typed error or a sound message when flipped bits are covered by a right checksum', () => {
    const flips = fc.array(fc.nat(), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(message, flips, (sent, flips) => {
        const content = encodeMessage(sent, sent.payload).slice(0, -5)
        for (const flip of flips) content[(flip >>> 3) % content.length]! ^= 1 << (flip & 7)
        expectTypedOutcome(sealed(content))
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a packet that lies', () => {
  it('is not touched when it is too large', () => {
    const packet = new Proxy(new Uint8Array(0), {
      get(_, property) {
        if (property === 'length') return MAX_MESSAGE_BYTES + 1
        throw new Error(`read ${String(property)}`)
      },
    })
    expect(read(packet)).toBe('TOO_LARGE')
  })

  it('is refused above the limit that the caller sets', () => {
    const packet = encodeMessage({ envelope: { id: 1 }, body: { kind: 'probe' } }, new Uint8Array(1000))
    expect(() => decodeMessage(packet, 1000)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
    expect(decodeMessage(packet, packet.length).payload).toHaveLength(1000)
  })

  const nestedGroups = Array<number>(5000)
    .fill((99 << 3) | 3)
    .flatMap((tag) => varint(tag))
  const name = (bytes: number[]) => field(2, field(2, [...field(1, bytes), ...field(2, ascii('1'))]))
  const cases: [string, Uint8Array, string][] = [
    ['nothing at all', sealed(), 'BAD_MESSAGE'],
    ['no envelope', sealed(probe), 'BAD_MESSAGE'],
    ['its envelope behind the body', sealed(probe, envelope), 'BAD_MESSAGE'],
    ['two envelopes', sealed(envelope, envelope, probe), 'BAD_MESSAGE'],
    ['no body', sealed(envelope), 'BAD_MESSAGE'],
    ['two bodies', sealed(envelope, probe, probe), 'BAD_MESSAGE'],
    ['two payloads', sealed(envelope, probe, field(14, [1]), field(14, [1])), 'BAD_MESSAGE'],
    ['a body of a later version', sealed(envelope, field(9, [])), 'BAD_MESSAGE'],
    ['a checksum inside', sealed(envelope, probe, [0x7d, 0, 0, 0, 0]), 'BAD_MESSAGE'],
    ['a payload declared too long', sealed(envelope, probe, [0x72, 0xff, 0xff, 0xff, 0x7f]), 'BAD_MESSAGE'],
    ['a length without end', sealed(envelope, probe, [0x72, ...Array<number>(9).fill(0xff)]), 'BAD_MESSAGE'],
    ['no schema', sealed(field(1, [0x10, 7]), probe), 'UNSUPPORTED_SCHEMA'],
    ['a later schema, with anything behind', sealed(field(1, [0x08, 2]), [0xff, 0xff]), 'UNSUPPORTED_SCHEMA'],
    [
      'a later schema with other rules',
      sealed(field(1, [0x08, 2, 0x42, 1, 0x23]), probe),
      'UNSUPPORTED_SCHEMA',
    ],
    ['a request without id', sealed(field(1, [0x08, 1]), probe), 'BAD_MESSAGE'],
    ['no route', sealed(envelope, field(4, [0x10, 1])), 'BAD_MESSAGE'],
    ['an unknown route', sealed(envelope, field(4, [0x18, 5])), 'BAD_MESSAGE'],
    ['an unknown presence', sealed(envelope, field(3, [0x08, 9])), 'BAD_MESSAGE'],
    ['a NaN scale', sealed(envelope, field(4, [0x18, 2, 0x25, 0, 0, 0xc0, 0x7f])), 'NOT_FINITE'],
    [
      'a huge result in no payload',
      sealed(envelope, field(5, field(2, [...varint(60_000), ...varint(60_000)]))),
      'BAD_SHAPE',
    ],
    ['groups in groups in groups', sealed(envelope, field(7, nestedGroups)), 'BAD_MESSAGE'],
    [
      'thousands of empty bundles',
      sealed(envelope, field(2, Array<number[]>(8000).fill([0x12, 0]).flat())),
      'BAD_MESSAGE',
    ],
    [
      'thousands of empty pipelines',
      sealed(envelope, field(2, Array<number[]>(8000).fill([0x32, 0]).flat())),
      'BAD_MESSAGE',
    ],
    ['no stages', sealed(envelope, field(9, [0x0d, 1, 0, 0, 0])), 'BAD_MESSAGE'],
    [
      'thousands of tensors',
      sealed(envelope, field(9, [0x10, 1, ...field(3, Array<number>(16_000).fill(1))])),
      'BAD_MESSAGE',
    ],
    [
      'thousands of stage times',
      sealed(envelope, field(10, field(2, Array<number>(16_000).fill(1)))),
      'BAD_MESSAGE',
    ],
    ['a tell with a payload', sealed(envelope, field(11, []), field(14, [1])), 'BAD_MESSAGE'],
    [
      'a tell that names a server twice',
      sealed(envelope, field(11, field(2, Array(8).fill(7)))),
      'BAD_MESSAGE',
    ],
    [
      'a tell of thousands of values',
      sealed(envelope, field(11, field(3, new Uint8Array(9000)))),
      'BAD_MESSAGE',
    ],
    [
      'a tell of 33 values of itself',
      sealed(envelope, field(11, field(4, new Uint8Array(33)))),
      'BAD_MESSAGE',
    ],
    ['a tell of values of nothing', sealed(envelope, field(11, field(3, [1, 2, 3]))), 'BAD_MESSAGE'],
    ['thousands of dims', sealed(envelope, field(5, field(2, Array<number>(16_000).fill(1)))), 'BAD_MESSAGE'],
    [
      'a huge envelope',
      sealed(field(1, [0x08, 1, ...field(20, new Uint8Array(20_000))]), probe),
      'TOO_LARGE',
    ],
    [
      'envelope and body that together are huge',
      sealed(
        field(1, [0x08, 1, 0x10, 7, ...field(20, new Uint8Array(9000))]),
        field(7, field(20, new Uint8Array(9000))),
      ),
      'TOO_LARGE',
    ],
    ['a body that is a number', sealed(envelope, [0x38, 0]), 'BAD_MESSAGE'],
    ['a payload that is a group', sealed(envelope, probe, [0x73, 0, 0x74]), 'BAD_MESSAGE'],
    ['a field above the checksum', sealed(envelope, probe, field(16, [])), 'BAD_MESSAGE'],
    ['a huge body', sealed(envelope, field(6, field(2, new Uint8Array(20_000)))), 'TOO_LARGE'],
    ['a short name that is not UTF-8', sealed(envelope, name([0xc3, 0x28])), 'BAD_MESSAGE'],
    [
      'a long name that is not UTF-8',
      sealed(envelope, name([...ascii('n'.repeat(90)), 0xff])),
      'BAD_MESSAGE',
    ],
    ['a name of 129 characters', sealed(envelope, name(ascii('n'.repeat(129)))), 'BAD_MESSAGE'],
    ['a bundle without name', sealed(envelope, name([])), 'BAD_MESSAGE'],
    [
      'a wildcard to answer to',
      sealed(field(1, [0x08, 1, 0x10, 7, ...field(8, ascii('a/+'))]), probe),
      'BAD_MESSAGE',
    ],
  ]

  it.each(cases)('is refused: %s', (_, packet, code) => {
    expect(read(packet)).toBe(code)
  })
})

describe('a packet of a newer minor version', () => {
  it('is read, and what is unknown inside envelope and body is left out', () => {
    const newer = [...field(30, [1, 2, 3]), 0xf8, 0x01, 5]
    const packet = sealed(field(1, [0x08, 1, 0x10, 7, ...newer]), field(3, [0x08, 1, ...newer]))
    expect(decodeMessage(packet)).toEqual(decodeMessage(sealed(envelope, field(3, [0x08, 1]))))
  })
})
