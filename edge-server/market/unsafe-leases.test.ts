import { type BodyFields, decodeMessage, encodeMessage, parseTopic, topic, type Verb } from '@isthmus/proto'
import { describe, expect, test } from 'vitest'
import type { LedgerEntry } from './lease-ledger.ts'
import { MarketNode } from './market-node.ts'

const rules = {
  roundMs: 1000,
  leaseMs: 5000,
  holdMs: 2000,
  maxBids: 100,
  maxDevices: 100,
  perRound: 8,
  maxOpen: 4,
}
const scores = {
  kind: 'edge',
  unitCost: 0,
  reliability: 1,
  availability: 1,
  energy: 1,
  place: { x: 0, y: 0 },
}

/** One server, whose disk is done with a write when the test says so. */
class SlowDisk {
  nowMs = 0
  /** What devices were told, as `device: outcome or reason`. */
  readonly told: string[] = []
  readonly counted: string[] = []
  leaseMs = 0
  readonly node: MarketNode
  readonly #writes: { readonly entries: readonly LedgerEntry[]; done(failed: boolean): void }[] = []

  constructor(entries: readonly LedgerEntry[] = []) {
    this.node = new MarketNode({
      site: 's',
      id: 'edge-a',
      epoch: 1,
      clock: () => this.nowMs,
      rules,
      offer: { capacity: [2, 8, 0, 8], credits: 32, ...scores },
      clear: () => ({ winners: [], losers: [], value: 0 }),
      journal: {
        write: (entries) =>
          new Promise((resolve, reject) => {
            const done = (failed: boolean) => (failed ? reject(new Error('the disk is full')) : resolve())
            this.#writes.push({ entries, done })
          }),
      },
      entries,
      send: (name, packet) => {
        const { device, verb } = parseTopic(name)!
        const { body } = decodeMessage(packet)
        if (verb !== 'award' || body.kind !== 'award') return
        this.told.push(`${device}: ${body.reason || body.outcome}`)
        this.leaseMs = body.leaseMs
      },
      observer: {
        elected: () => {},
        cleared: () => {},
        rejected: () => {},
        granted: ({ device }) => this.counted.push(`${device}: granted`),
        refused: (reason) => this.counted.push(`refused ${reason}`),
        ended: ({ device }, why) => this.counted.push(`${device}: ended ${why}`),
        journalFailed: () => this.counted.push('failed'),
        clearingFailed: () => {},
      },
    })
  }

  order(devices: readonly string[], term = 2, round = 1): void {
    const grants = devices.map((device) => {
      return { device, boot: 1, bid: 1, nonce: 3, demand: [1, 0, 0, 0], payment: 1 }
    })
    this.#hear('edge-a', 'grant', { kind: 'grants', server: 'edge-a', term, round, part: 0, grants })
  }

  renew(device: string): void {
    this.#hear(device, 'bid', { kind: 'renew', nonce: 3, server: 'edge-a' })
  }

  release(device: string): void {
    this.#hear(device, 'bid', { kind: 'release', nonce: 3, server: 'edge-a' })
  }

  goOffline(device: string): void {
    this.#hear(device, 'state', { kind: 'state', presence: 'offline' })
  }

  /** The write that has waited longest is done. */
  async disk(outcome: 'kept' | 'failed'): Promise<readonly LedgerEntry[]> {
    const { entries, done } = this.#writes.shift()!
    done(outcome === 'failed')
    for (let turn = 0; turn < 4; turn++) await Promise.resolve()
    return entries
  }

  #hear(sender: string, verb: Verb, body: BodyFields): void {
    this.node.receive(topic('s', sender, verb), encodeMessage({ envelope: { id: 1, boot: 1 }, body }))
  }
}

describe('a lease that is not on the disk yet', () => {
  const questions: [string, (server: SlowDisk) => void][] = [
    ['its order comes again', (server) => server.order(['cam'])],
    ['an auctioneer that was replaced orders it, too', (server) => server.order(['cam'], 1)],
    ['the broker is back', (server) => server.node.announce()],
    ['its device renews it', (server) => server.renew('cam')],
  ]

  test.each(questions)('is told of to nobody when %s', async (_, ask) => {
    const server = new SlowDisk()
    server.order(['cam'])
    ask(server)
    expect(server.told).toEqual([])
    await server.disk('kept')
    expect(server.told[0]).toBe('cam: won')
    expect(server.counted).toEqual(['cam: granted'])
  })

  test.each(questions)('is refused once, and only that, if it cannot be kept, and %s', async (_, ask) => {
    const server = new SlowDisk()
    server.order(['cam'])
    ask(server)
    await server.disk('failed')
    expect(server.told).toEqual(['cam: not-kept'])
    expect(server.counted).toEqual(['failed', 'cam: ended not-kept', 'refused not-kept'])
    expect(server.node.ledger.size).toBe(0)
  })

  test('is neither given nor refused by the order of a later term, whose own write is another one', async () => {
    const server = new SlowDisk()
    server.order(['cam'], 2)
    server.order(['cam'], 3)
    await server.disk('failed')
    expect(server.told).toEqual(['cam: not-kept'])
    await server.disk('kept')
    expect(server.told).toEqual(['cam: not-kept'])
  })

  test('is renewed from when it is there, which the device hears once', async () => {
    const server = new SlowDisk()
    server.order(['cam'])
    server.renew('cam')
    server.renew('cam')
    server.nowMs = 700
    await server.disk('kept')
    expect(server.told).toEqual(['cam: won', 'cam: renewed'])
    expect(server.leaseMs).toBe(rules.leaseMs)
    expect([...server.node.ledger.leases]).toMatchObject([{ accepted: true, expiresMs: 700 + rules.leaseMs }])
  })

  test('leaves alone those that are', async () => {
    const server = new SlowDisk()
    server.order(['old'])
    await server.disk('kept')
    server.order(['new', 'old'], 2, 2)
    server.renew('old')
    server.node.announce()
    expect(server.told).toEqual(['old: won', 'old: renewed', 'old: won'])
    await server.disk('failed')
    expect(server.told.slice(3)).toEqual(['new: not-kept', 'old: won'])
  })

  test.each([
    ['its device gives it back', (server: SlowDisk) => server.release('cam')],
    ['the last will of its device comes', (server: SlowDisk) => server.goOffline('cam')],
    [
      'its time is over',
      (server: SlowDisk) => {
        server.nowMs = rules.holdMs
        server.node.tick()
      },
    ],
  ])('is not told of at all when %s before', async (_, end) => {
    for (const outcome of ['kept', 'failed'] as const) {
      const server = new SlowDisk()
      server.order(['cam'])
      end(server)
      await server.disk(outcome)
      expect(server.told).toEqual([])
    }
  })

  test('is not taken for the next one of the same bid', async () => {
    const server = new SlowDisk()
    server.order(['cam'])
    server.release('cam')
    server.order(['cam'], 2, 2)
    await server.disk('failed')
    expect(server.told).toEqual([])
    expect((await server.disk('kept'))[0]).toMatchObject({ kind: 'end' })
    await server.disk('kept')
    expect(server.told).toEqual(['cam: won'])
    expect(server.node.ledger.size).toBe(1)
  })

  test('that has ended is over for a renewal that waited for it', async () => {
    const server = new SlowDisk()
    server.order(['cam'])
    server.renew('cam')
    server.release('cam')
    await server.disk('kept')
    expect(server.told).toEqual(['cam: lapsed'])
  })
})

test('a lease that an earlier life has written down is told of at once', () => {
  const terms = { nonce: 3, demand: [1, 0, 0, 0], payment: 1, term: 1, round: 1, credits: 1 }
  const server = new SlowDisk([{ kind: 'lease', device: 'cam', boot: 1, id: 1, ...terms }])
  server.node.announce()
  server.renew('cam')
  expect(server.told).toEqual(['cam: won', 'cam: renewed'])
})
