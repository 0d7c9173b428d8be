import { type BodyFields, decodeMessage, encodeMessage, topic, wireErrorCodeOf } from '@isthmus/proto'
import { describe, expect, it } from 'vitest'
import { FamilyRefusals } from './family-refusals.ts'

const SITE = 'yard'

function open(maxDevices = 100) {
  const clock = { nowMs: 0 }
  const sent: { readonly topic: string; readonly packet: Uint8Array }[] = []
  const warnings: Readonly<Record<string, string>>[] = []
  const refusals = new FamilyRefusals({
    site: SITE,
    epoch: 7,
    maxMessageBytes: 4096,
    maxDevices,
    send: (to, packet) => sent.push({ topic: to, packet }),
    warn: (fields) => warnings.push(fields),
    clock: () => clock.nowMs,
  })
  const receive = (device: string, body: BodyFields = sample(), retained = false) => {
    const payload = new Uint8Array(body.kind === 'sample' ? 12 : 0)
    const packet = encodeMessage({ envelope: { boot: 1, sentUs: 5 }, body }, payload)
    refusals.receive(topic(SITE, device, 'sample'), packet, retained)
  }
  return { refusals, receive, sent, warnings, clock }
}

/** Of the network whose hash begins with deadbeef. */
const sample = (family = 0xefbeadde): BodyFields => ({
  ...{ kind: 'sample', family, number: 1, entropy: 0.5 },
  ...{ input: 'pixels', dims: [2, 2, 3] },
})

describe('a server that learns nothing from a sample', () => {
  it('tells its device so, as an answer to no request, and its operator which network it was', () => {
    const { receive, sent, warnings } = open()
    receive('cam')
    expect(sent.map(({ topic }) => topic)).toEqual([topic(SITE, 'cam', 'reply')])
    const { envelope, body } = decodeMessage(sent[0]!.packet)
    expect(envelope).toMatchObject({ id: 0, boot: 7 })
    expect(body).toMatchObject({ kind: 'error', retryAfterMs: 0, echoUs: 5, epoch: 7 })
    expect(body.kind === 'error' && wireErrorCodeOf(body.code)).toBe('UNKNOWN_FAMILY')
    expect(warnings).toEqual([{ device: 'cam', family: 'deadbeef' }])
  })

  it('tells one that goes on again, for it may not have heard, six times a minute at most', () => {
    const { receive, sent, clock } = open()
    for (; clock.nowMs < 600_000; clock.nowMs += 100) receive('cam')
    expect(sent.length).toBeGreaterThan(55)
    expect(sent.length).toBeLessThanOrEqual(62)
  })

  it('says no more for families that a device invents, and keeps nobody else from hearing it', () => {
    const { receive, sent } = open()
    for (let family = 0; family < 1000; family++) receive('hostile', sample(family))
    expect(sent).toHaveLength(2)
    receive('cam')
    expect(sent).toHaveLength(3)
  })

  it('remembers so many devices and no more', () => {
    const { refusals, receive } = open(3)
    for (let device = 0; device < 50; device++) receive(`cam-${device}`)
    expect(refusals.devices).toBe(3)
  })

  it('says nothing to what is no sample, stored, another site’s, a server’s, or unreadable', () => {
    const { refusals, receive, sent } = open()
    receive('cam', { kind: 'patchRequest', family: 1, reason: 'start' })
    receive('cam', sample(), true)
    const packet = encodeMessage({ envelope: { boot: 1 }, body: sample() }, new Uint8Array(12))
    refusals.receive(topic('field', 'cam', 'sample'), packet, false)
    refusals.receive(topic(SITE, 'edge-a', 'sample'), packet, false)
    refusals.receive(topic(SITE, 'cam', 'sample'), packet.subarray(1), false)
    refusals.receive(topic(SITE, 'cam', 'sample'), new Uint8Array(0), false)
    expect(sent).toEqual([])
  })
})
