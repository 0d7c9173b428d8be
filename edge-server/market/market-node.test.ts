import {
  type Award,
  type BodyFields,
  decodeMessage,
  encodeMessage,
  parseTopic,
  topic,
  type Verb,
} from '@isthmus/proto'
import { describe, expect, test } from 'vitest'
import { AuctionHouse } from './auction-house.ts'
import type { ClearMarket } from './clearing.ts'
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
const bid = { kind: 'bid' as const, nonce: 3, validMs: 5000, demand: [1, 0, 0, 0], price: 1 }

const byPrice: ClearMarket = ({ requests, resources }) => {
  const free = resources.map(({ capacity }) => [...capacity])
  const winners = []
  for (const { id, demand, bid } of [...requests].sort((a, b) => b.bid - a.bid)) {
    const at = free.findIndex((amounts) => demand.every((amount, kind) => amount <= amounts[kind]!))
    if (at < 0) continue
    for (const [kind, amount] of demand.entries()) free[at]![kind]! -= amount
    winners.push({ request: id, resource: resources[at]!.id, payment: bid / 2 })
  }
  return { winners, losers: [], value: 0 }
}

/** Servers on a broker that delivers at once, in virtual time. */
class Town {
  nowMs = 0
  readonly nodes = new Map<string, MarketNode>()
  readonly disks = new Map<string, LedgerEntry[]>()
  readonly awards: (Award & { readonly device: string; readonly id: number })[] = []
  readonly replies: string[] = []
  readonly rejected: string[] = []
  readonly rounds: { readonly by: string; readonly atMs: number; readonly bids: number }[] = []
  clear = byPrice
  /** By server, where the market is cleared by the auction itself. */
  readonly houses = new Map<string, AuctionHouse>()
  diskFails = false
  /** What the broker keeps for those who come later. */
  readonly retained = new Map<string, Uint8Array>()
  #epoch = 0
  readonly #queue: [string, Uint8Array][] = []

  startWithHouse(id: string, cpu: number): void {
    const prices = { least: 0, most: 100 }
    const loads = () => this.nodes.get(id)?.loads ?? new Map()
    this.houses.set(id, new AuctionHouse({ payment: 'critical', prices, loads, timeLimitMs: 1000 }))
    this.start(id, cpu)
  }

  start(id: string, cpu = 2): void {
    const disk = this.disks.get(id) ?? []
    this.disks.set(id, disk)
    const scores = {
      kind: 'edge',
      unitCost: 0,
      reliability: 1,
      availability: 1,
      energy: 1,
      place: { x: 0, y: 0 },
    }
    const node = new MarketNode({
      site: 's',
      id,
      epoch: ++this.#epoch,
      clock: () => this.nowMs,
      rules,
      offer: { capacity: [cpu, 8, 0, 8], credits: 32, ...scores },
      clear: (market) => this.houses.get(id)?.clear(market) ?? this.clear(market),
      ...(this.houses.has(id) ? { memory: this.houses.get(id)! } : {}),
      journal: {
        write: async (entries) => {
          if (this.diskFails) throw new Error('the disk is full')
          disk.push(...entries)
        },
      },
      entries: [...disk],
      send: (name, packet, { retain }) => {
        if (retain) this.retained.set(name, packet)
        this.#queue.push([name, packet])
      },
      observer: {
        elected: () => {},
        cleared: ({ bids }) => this.rounds.push({ by: id, atMs: this.nowMs, bids }),
        rejected: (_, reason) => this.rejected.push(reason),
        granted: () => {},
        refused: () => {},
        ended: () => {},
        journalFailed: () => {},
        clearingFailed: () => {},
      },
    })
    this.nodes.set(id, node)
    node.announce()
  }

  say(device: string, id: number, body: BodyFields, verb: Verb = 'bid', boot = 1): void {
    this.#queue.push([topic('s', device, verb), encodeMessage({ envelope: { id, boot }, body })])
  }

  raw(device: string, packet: Uint8Array): void {
    this.#queue.push([topic('s', device, 'bid'), packet])
  }

  async run(forMs: number): Promise<void> {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; this.nowMs += 20) {
      for (const node of this.nodes.values()) node.tick()
      for (let turn = 0; turn < 6; turn++) {
        for (const [name, packet] of this.#queue.splice(0)) this.#deliver(name, packet)
        for (let wait = 0; wait < 6; wait++) await Promise.resolve()
      }
    }
  }

  of(device: string): string[] {
    return this.awards
      .filter((award) => award.device === device)
      .map(({ outcome, reason }) => reason || outcome)
  }

  get leader(): string | undefined {
    return [...this.nodes].find(([, node]) => node.leads)?.[0]
  }

  #deliver(name: string, packet: Uint8Array): void {
    const { device, verb } = parseTopic(name)!
    if (verb === 'award' || verb === 'reply') {
      const { envelope, body } = decodeMessage(packet)
      if (body.kind === 'award') this.awards.push({ ...body, device, id: envelope.id })
      if (body.kind === 'error') this.replies.push(`${device}: ${body.detail}`)
    }
    for (const node of this.nodes.values()) node.receive(name, packet)
  }
}

async function town(...ids: string[]): Promise<Town> {
  const made = new Town()
  for (const id of ids) made.start(id)
  await made.run(2000)
  return made
}

describe('a round', () => {
  test('gives each bid one award: winners a lease, losers a reason', async () => {
    const one = await town('edge')
    for (const [at, device] of ['a', 'b', 'c'].entries()) one.say(device, 1, { ...bid, price: at + 1 })
    await one.run(1500)
    expect([one.of('a'), one.of('b'), one.of('c')]).toEqual([['outbid'], ['won'], ['won']])
    expect(one.awards.find(({ device }) => device === 'c')).toMatchObject({
      server: 'edge',
      payment: 1.5,
      leaseMs: 5000,
    })
  })

  test('counts a bid once that comes twice, before its award and after it', async () => {
    const one = await town('edge')
    one.say('a', 1, bid)
    one.say('a', 1, bid)
    await one.run(1500)
    one.say('a', 1, { kind: 'renew', nonce: 3, server: 'edge' })
    one.say('a', 1, bid)
    await one.run(1500)
    expect(one.nodes.get('edge')!.ledger.size).toBe(1)
    expect(one.of('a')).toEqual(['won', 'renewed', 'won'])
    expect(one.rounds.reduce((sum, { bids }) => sum + bids, 0)).toBe(1)
  })

  test('is not changed by bids that make no sense, by a flood, or by an award that a device made up', async () => {
    const [calm, wild] = [await town('edge'), await town('edge')]
    for (const one of [calm, wild]) {
      one.say('a', 1, { ...bid, price: 5 })
      one.say('b', 1, { ...bid, price: 4 })
      one.say('c', 1, { ...bid, price: 3 })
    }
    wild.say('bad', 1, { ...bid, demand: [-1, 0, 0, 0], price: 1e8 })
    wild.say('huge', 1, { ...bid, price: 1e300 })
    wild.raw('nan', Uint8Array.of(1, 2, 3))
    for (let id = 1; id <= 5000; id++) wild.say('flood', id, { ...bid, nonce: id, price: 0.001 })
    for (const one of [calm, wild]) await one.run(1500)
    for (const device of ['a', 'b', 'c']) expect(wild.of(device)).toEqual(calm.of(device))
    expect(wild.of('bad')).toEqual(['bad-demand'])
    expect(wild.of('huge')).toEqual(['bad-price'])
    expect(wild.replies.filter((reply) => reply.startsWith('nan:'))).toHaveLength(1)
    expect(wild.replies.filter((reply) => reply.startsWith('flood:'))).toHaveLength(1)
    expect(wild.of('flood').length).toBeLessThanOrEqual(2 * rules.perRound)
  })

  test('whose clearing fails leaves its bids to the next', async () => {
    const one = await town('edge')
    one.clear = () => {
      throw new Error('no')
    }
    one.say('a', 1, bid)
    await one.run(1500)
    expect(one.of('a')).toEqual([])
    one.clear = byPrice
    await one.run(1500)
    expect(one.of('a')).toEqual(['won'])
  })
})

describe('a lease', () => {
  test('goes to others within a round when the last will of its device is heard', async () => {
    const one = await town('edge')
    one.say('a', 1, { ...bid, demand: [2, 0, 0, 0] })
    await one.run(1500)
    one.say('a', 0, { kind: 'state', presence: 'offline' }, 'state')
    one.say('b', 1, { ...bid, demand: [2, 0, 0, 0] })
    await one.run(1100)
    expect(one.of('b')).toEqual(['won'])
  })

  test('lasts while it is renewed, and ends with a word when it is not', async () => {
    const one = await town('edge')
    one.say('a', 1, bid)
    await one.run(1500)
    for (let time = 0; time < 4; time++) {
      one.say('a', 1, { kind: 'renew', nonce: 3, server: 'edge' })
      await one.run(3000)
    }
    expect(one.of('a')).toEqual(['won', 'renewed', 'renewed', 'renewed', 'renewed'])
    await one.run(3000)
    expect(one.of('a').at(-1)).toBe('lapsed')
    one.say('a', 1, { kind: 'renew', nonce: 3, server: 'edge' })
    await one.run(100)
    expect(one.of('a').at(-1)).toBe('lapsed')
  })

  test('is kept by a server that dies and comes back, and told of again', async () => {
    const one = await town('edge')
    one.say('a', 1, bid)
    await one.run(1500)
    one.nodes.delete('edge')
    one.start('edge')
    await one.run(100)
    expect(one.of('a')).toEqual(['won', 'won'])
    expect(one.nodes.get('edge')!.ledger.creditsOf('a')).toBeGreaterThan(0)
  })

  test('is not told of when it cannot be written down', async () => {
    const one = await town('edge')
    one.diskFails = true
    one.say('a', 1, bid)
    await one.run(1500)
    expect(one.of('a')).toEqual(['not-kept'])
    expect(one.nodes.get('edge')!.ledger.size).toBe(0)
  })
})

describe('several servers', () => {
  test('have one auctioneer, which gives out the capacity of all', async () => {
    const three = await town('edge-a', 'edge-b', 'edge-c')
    for (let at = 0; at < 7; at++) three.say(`d${at}`, 1, { ...bid, price: 1 + at })
    await three.run(1500)
    expect(three.awards.filter(({ outcome }) => outcome === 'won')).toHaveLength(6)
    expect(new Set(three.awards.map(({ server }) => server)).size).toBe(4)
    expect(three.of('d0')).toEqual(['outbid'])
  })

  test('are heard of by devices that come later also when the broker has forgotten them and nobody missed the auctioneer', async () => {
    const market = await town('edge-a', 'edge-b')
    const { leader } = market
    market.retained.clear()
    for (const node of market.nodes.values()) node.announce()
    await market.run(2000)
    expect(market.leader).toBe(leader)
    const claim = market.retained.get(topic('s', 'edge', 'claim'))
    expect(claim && decodeMessage(claim).body).toMatchObject({ kind: 'claim', holder: leader, roundMs: 1000 })
  })

  test('serve the small ones elsewhere for whom one has no credits left, however much else it has', async () => {
    const both = await town('edge-a', 'edge-b')
    const small = Array.from({ length: 40 }, (_, at) => `cam-${at}`)
    for (const device of small) both.say(device, 1, { ...bid, demand: [0.001, 0, 0, 0], validMs: 9000 })
    await both.run(1000)
    for (const device of small.filter((name) => !both.of(name).includes('won'))) {
      both.say(device, 2, { ...bid, demand: [0.001, 0, 0, 0], validMs: 9000 })
    }
    await both.run(1000)
    for (const device of small) expect(both.of(device)).toContain('won')
  })

  test('clear the bids that an auctioneer had when it died, within a round', async () => {
    const three = await town('edge-a', 'edge-b', 'edge-c')
    const dead = three.leader!
    const next = three.rounds.length
    three.say('a', 1, bid)
    await three.run(20)
    three.nodes.delete(dead)
    const diedMs = three.nowMs
    await three.run(1000)
    expect(three.leader).not.toBe(dead)
    expect(three.rounds.slice(next).find(({ by }) => by !== dead)!.atMs - diedMs).toBeLessThanOrEqual(
      rules.roundMs,
    )
    await three.run(500)
    expect(three.of('a')).toContain('won')
  })
})

describe('a new auctioneer', () => {
  test('goes on from the prices and the history of the one before it', async () => {
    const two = new Town()
    for (const id of ['edge-a', 'edge-b']) two.startWithHouse(id, id === 'edge-a' ? 0.5 : 1)
    await two.run(2000)
    let nonce = 100
    const winners: string[] = []
    const round = async () => {
      nonce++
      two.awards.length = 0
      for (const device of ['a', 'b']) two.say(device, nonce, { ...bid, nonce, validMs: 900 })
      await two.run(1000)
      for (const { outcome, device, server, nonce: won } of two.awards) {
        if (outcome !== 'won') continue
        winners.push(device)
        two.say(device, nonce, { kind: 'release', nonce: won, server })
      }
    }
    for (let count = 0; count < 3; count++) await round()
    const first = 'edge-a'
    expect(two.leader).toBe(first)
    const { state } = two.houses.get(first)!
    expect(state.prices.round).toBeGreaterThanOrEqual(3)
    two.nodes.delete(first)
    const other = 'edge-b'
    expect(two.houses.get(other)!.state).toEqual(state)
    for (let count = 0; count < 4; count++) await round()
    expect(two.leader).toBe(other)
    for (let at = 1; at < winners.length; at++) expect(winners[at]).not.toBe(winners[at - 1])
  })

  test('takes nothing that cannot be read for a history', () => {
    const house = new AuctionHouse({
      payment: 'critical',
      prices: { least: 0, most: 100 },
      loads: () => new Map(),
      timeLimitMs: 1000,
    })
    const before = house.state
    const bytes = (text: string) => new TextEncoder().encode(text)
    for (const text of [
      '',
      '{',
      '[]',
      '{"prices":{"prices":{"edge":-1},"round":9},"fairness":{"shares":{}}}',
    ]) {
      expect(house.adopt(bytes(text))).toBe(false)
    }
    const shares = (share: unknown) =>
      bytes(JSON.stringify({ prices: { prices: {}, round: 9 }, fairness: { shares: { a: share } } }))
    for (const share of [2, -1, 'x', null]) expect(house.adopt(shares(share))).toBe(false)
    expect(house.state).toEqual(before)
    expect(house.adopt(shares(0.5))).toBe(true)
    expect(house.rounds).toBe(9)
  })
})

describe('what no server can mean', () => {
  const amounts = { capacity: [9, 9, 9, 9], free: [9, 9, 9, 9], unitCost: 0 }
  const scores = { reliability: 1, availability: 1, energy: 1, x: 0, y: 0, leases: 0 }
  const capacity = { kind: 'capacity' as const, resourceKind: 'edge', ...amounts, ...scores }

  test('a term after which there is no other stops neither elections nor servers', async () => {
    const town = new Town()
    town.say(
      'edge',
      1,
      { kind: 'claim', holder: 'edge-z', term: 0xffffffff, round: 0, roundMs: 1000 },
      'claim',
    )
    town.start('edge-a')
    const grants: BodyFields = {
      kind: 'grants',
      server: 'edge-a',
      term: 0xffffffff,
      round: 1,
      part: 0,
      grants: [],
    }
    town.say('edge-a', 1, grants, 'grant')
    await town.run(2000)
    town.say('cam', 1, bid)
    await town.run(2000)
    expect(town.rejected).toEqual(['BAD_MESSAGE', 'BAD_MESSAGE'])
    expect(town.of('cam')[0]).toBe('won')
  })

  test('another server of the same id is told of, what an earlier life has left is not', () => {
    const one = new Town()
    one.start('edge-a')
    const packet = encodeMessage({ envelope: { id: 1, boot: 99 }, body: capacity })
    const name = topic('s', 'edge-a', 'capacity')
    one.nodes.get('edge-a')!.receive(name, packet, true)
    expect(one.rejected).toEqual([])
    one.nodes.get('edge-a')!.receive(name, packet)
    expect(one.rejected).toEqual(['BAD_MESSAGE'])
  })

  test.each([{ resourceKind: '' }, { x: 1e13 }])(
    'capacity %j is left out, and the others are sold',
    async (fault) => {
      const town = new Town()
      town.startWithHouse('edge-a', 2)
      await town.run(1000)
      town.say('cam', 1, bid)
      for (let round = 0; round < 3; round++) {
        town.say('edge-z', 1, { ...capacity, ...fault }, 'capacity')
        await town.run(1000)
      }
      expect(town.of('cam')[0]).toBe('won')
    },
  )
})
