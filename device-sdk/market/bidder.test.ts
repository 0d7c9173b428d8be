import { type BodyFields, decodeMessage, encodeMessage, topic } from '@isthmus/proto'
import { describe, expect, test } from 'vitest'
import { Bidder, type Wanted } from './bidder.ts'

const wanted: Wanted = {
  demand: [1, 0, 0, 0],
  price: 5,
  priority: 0.5,
  reliability: 0,
  availability: 0,
  latencyMs: 0,
  x: 0,
  y: 0,
  resourceKind: '',
}
const terms = { server: 'edge-a', term: 1, round: 1, payment: 2, leaseMs: 9000, holdMs: 3000, credits: 4 }

/** A bidder in virtual time, and what it says. */
class World {
  nowMs = 1000
  want: Wanted | undefined = wanted
  readonly said: { id: number; nonce: number; kind: string; server: string | undefined; sentUs: number }[] =
    []
  readonly bidder = new Bidder({
    site: 's',
    id: 'cam',
    boot: 7,
    now: () => this.nowMs,
    random: () => 0.5,
    publish: (_, packet) => {
      const { envelope, body } = decodeMessage(packet)
      const { kind, nonce, server } = body as { kind: string; nonce: number; server?: string }
      this.said.push({ id: envelope.id, nonce, kind, server, sentUs: envelope.sentUs })
    },
    wanted: () => this.want,
  })

  constructor() {
    this.online()
  }

  online(): void {
    this.bidder.onOnline()
    const claim: BodyFields = { kind: 'claim', holder: 'edge-a', term: 1, round: 0, roundMs: 1000 }
    this.bidder.onMessage(topic('s', 'edge', 'claim'), encodeMessage({ envelope: {}, body: claim }))
    this.run(0)
  }

  run(forMs: number): void {
    for (const endMs = this.nowMs + forMs; ; this.nowMs += 100) {
      this.bidder.tick()
      if (this.nowMs >= endMs) return
    }
  }

  award(outcome: 'won' | 'lost' | 'renewed' | 'lapsed', fields: object = {}, id = 1, boot = 7): void {
    const nonce = this.said.find((word) => word.id === id)?.nonce ?? 0
    const body = { kind: 'award', bidBoot: boot, nonce, outcome, ...terms, ...fields } as BodyFields
    this.bidder.onMessage(topic('s', 'cam', 'award'), encodeMessage({ envelope: { id }, body }))
  }

  /** Wins and is confirmed. */
  lease(): void {
    this.award('won')
    this.award('renewed', { echoUs: this.said.at(-1)!.sentUs })
  }

  kinds(): string[] {
    return this.said.map(({ kind, server }) => (server === undefined ? kind : `${kind} ${server}`))
  }
}

describe('a device in a market', () => {
  test('bids, takes what it wins, and renews before a lease is over', () => {
    const world = new World()
    world.lease()
    expect(world.bidder.lease).toMatchObject({ server: 'edge-a', credits: 4, payment: 2 })
    world.run(4000)
    expect(world.kinds().slice(0, 3)).toEqual(['bid', 'renew edge-a', 'renew edge-a'])
    expect(world.bidder.counters).toMatchObject({ bids: 1, won: 1, paid: 2 })
  })

  test('sends an unanswered bid again as it was, and another one when that is no longer valid', () => {
    const world = new World()
    world.run(3900)
    const [first, ...again] = world.said
    expect(again.length).toBeGreaterThan(0)
    for (const word of again) expect(word).toMatchObject({ id: first!.id, nonce: first!.nonce, kind: 'bid' })
    world.run(400)
    expect(world.said.at(-1)!.id).toBe(2)
  })

  test('does not count on a lease before its server has confirmed it: the award may have come late', () => {
    const world = new World()
    world.award('won')
    expect(world.bidder.lease).toBeUndefined()
    world.award('lapsed')
    expect(world.bidder.lease).toBeUndefined()
    expect(world.bidder.counters.paid).toBe(0)
  })

  test('keeps one lease for a bid and gives the other back', () => {
    const world = new World()
    world.lease()
    world.award('won', { server: 'edge-b' })
    expect(world.kinds().at(-1)).toBe('release edge-b')
    expect(world.bidder.lease?.server).toBe('edge-a')
  })

  test('gives back what it wins for a bid that it had given up', () => {
    const world = new World()
    world.run(4500)
    world.award('won', {}, 1)
    expect(world.kinds().at(-1)).toBe('release edge-a')
    expect(world.bidder.lease).toBeUndefined()
  })

  test('counts a lease from when the renewal was sent, and not beyond', () => {
    const world = new World()
    world.award('won')
    const { sentUs } = world.said.at(-1)!
    world.run(2000)
    world.award('renewed', { echoUs: sentUs })
    world.nowMs = 1000 + 9000 + 1
    expect(world.bidder.lease).toBeUndefined()
  })

  test('is without a lease when the server says so, when nobody renews it, and when the broker is gone', () => {
    for (const end of [
      (world: World) => world.award('lapsed'),
      (world: World) => world.run(9100),
      (world: World) => world.bidder.onOffline(),
    ]) {
      const world = new World()
      world.lease()
      end(world)
      expect(world.bidder.lease).toBeUndefined()
    }
  })

  test('takes its lease up again after a break, if the server still has it, and else bids anew', () => {
    for (const outcome of ['renewed', 'lapsed'] as const) {
      const world = new World()
      world.lease()
      world.bidder.onOffline()
      expect(world.bidder.lease).toBeUndefined()
      world.online()
      expect(world.bidder.lease).toBeUndefined()
      expect(world.kinds().at(-1)).toBe('renew edge-a')
      world.award(outcome, { echoUs: world.said.at(-1)!.sentUs })
      world.run(100)
      expect(world.bidder.lease?.server).toBe(outcome === 'renewed' ? 'edge-a' : undefined)
      if (outcome === 'lapsed') expect(world.kinds().at(-1)).toBe('bid')
    }
  })

  test('bids again in a round after it lost, and not soon where that cannot help', () => {
    const world = new World()
    world.award('lost', { reason: 'outbid', retryAfterMs: 1000 })
    world.run(600)
    expect(world.kinds()).toEqual(['bid', 'bid'])
    world.award('lost', { reason: 'bad-demand', retryAfterMs: 0 }, 2)
    world.run(5000)
    expect(world.kinds()).toEqual(['bid', 'bid'])
    expect(world.bidder.counters.lost).toEqual({ outbid: 1, 'bad-demand': 1 })
  })

  test('gives its lease back when it wants none any more, and at its end', () => {
    const world = new World()
    world.lease()
    world.want = undefined
    world.run(0)
    expect(world.kinds().at(-1)).toBe('release edge-a')
    const other = new World()
    other.lease()
    other.bidder.close()
    expect(other.kinds().at(-1)).toBe('release edge-a')
  })

  test('goes on whatever a server says: a round without an end, a lease of nobody', () => {
    const world = new World()
    const claim: BodyFields = { kind: 'claim', holder: 'edge-a', term: 2, round: 0, roundMs: 0xffff_ffff }
    world.bidder.onMessage(topic('s', 'edge', 'claim'), encodeMessage({ envelope: {}, body: claim }))
    world.award('lost', { reason: 'outbid', retryAfterMs: 1000 })
    world.run(600)
    expect(world.kinds()).toEqual(['bid', 'bid'])
    world.award('won', { server: '' }, 2)
    world.award('renewed', { server: '' }, 2)
    expect(world.bidder.lease).toBeUndefined()
    expect(world.kinds()).toEqual(['bid', 'bid'])
  })

  test('does not listen to awards of its earlier lives', () => {
    const world = new World()
    world.award('won', {}, 1, 6)
    expect(world.bidder.lease).toBeUndefined()
  })
})
