import { saysNothing, type Told } from '@isthmus/policies/com-ddpg/served'
import { encodeMessage, serverKey, topic } from '@isthmus/proto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Transport, TransportHandlers } from '../transport.ts'
import { VirtualClock } from '../world.test.kit.ts'
import { Tells } from './tells.ts'

const SITE = 'yard'

/** A broker for what devices tell: at once, and to all. */
class Bus {
  readonly clock = new VirtualClock()
  readonly #members: Member[] = []

  join(id: string, perSecond = 20): Member {
    const member = new Member(this, id, perSecond)
    this.#members.push(member)
    return member
  }

  send(name: string, packet: Uint8Array): void {
    for (const member of this.#members) member.receive(name, packet)
  }
}

/** One device's end. */
class Member implements Transport {
  readonly bus: Bus
  readonly tells: Tells
  readonly heard: { from: string; told: Told; atMs: number }[] = []
  readonly published: number[] = []
  readonly passedOn: string[] = []
  readonly filters: string[] = []
  readonly connection: Transport
  online = true
  #handlers!: TransportHandlers

  constructor(bus: Bus, id: string, perSecond: number) {
    this.bus = bus
    const { clock } = bus
    const listener = {
      hear: (from: string, told: Told, atMs: number) => this.heard.push({ from, told, atMs }),
      published: (server: number) => this.published.push(server),
    }
    this.tells = new Tells({ site: SITE, id, boot: 5, clock, perSecond, listener })
    this.connection = this.tells.over(this)
    this.connection.start({
      onOnline: () => {},
      onOffline: () => {},
      onMessage: (name) => this.passedOn.push(name),
    })
    this.#handlers.onOnline()
  }

  start(handlers: TransportHandlers): void {
    this.#handlers = handlers
  }

  subscribe(filters: readonly string[]): void {
    this.filters.push(...filters)
  }

  publish(name: string, packet: Uint8Array): boolean {
    if (this.online) this.bus.send(name, packet)
    return this.online
  }

  async close(): Promise<void> {}

  receive(name: string, packet: Uint8Array): void {
    this.#handlers.onMessage(name, packet)
  }
}

const told = (value: number, deciding = false): Told => ({
  network: 7,
  servers: [1, 2],
  sent: Int8Array.of(value, -value, 0, 1),
  deciding: deciding ? Int8Array.of(1, 2, 3, 4, 5, -value) : new Int8Array(0),
  allowed: 7,
})
const nothing: Told = { ...told(0), sent: new Int8Array(0) }
const packetOf = (sequence: number, boot = 1) =>
  encodeMessage({
    envelope: { boot, sequence },
    body: { kind: 'tell', network: 7, servers: [1], sent: Uint8Array.of(sequence) },
  })

describe('what one tells', () => {
  it('is heard by the others as it was told, and not by itself', () => {
    const bus = new Bus()
    const [a, b, c] = [bus.join('a'), bus.join('b'), bus.join('c')] as const
    a.tells.tell(told(-128, true))
    for (const { heard } of [b, c]) expect(heard).toEqual([{ from: 'a', told: told(-128, true), atMs: 1000 }])
    expect(a.heard).toEqual([])
    expect(a.filters).toEqual(['isthmus/1/yard/+/tell'])
    expect(a.tells.counters).toMatchObject({ told: 1, heard: 0 })
  })

  it('goes out at most as often as agreed, the latest of what it has sent at last', async () => {
    const bus = new Bus()
    const [a, b] = [bus.join('a'), bus.join('b')] as const
    for (let n = 0; n < 100; n++) {
      a.tells.tell(told(n, true))
      a.tells.tell(told(n))
      await bus.clock.advance(10)
    }
    await bus.clock.advance(100)
    expect(b.heard.length).toBeLessThanOrEqual(20 + 5 + 2)
    expect(b.heard.length).toBeGreaterThanOrEqual(20)
    expect(b.heard.at(-1)!.told).toEqual(told(99))
    // Those before a decision are the first to go.
    expect(b.heard.filter(({ told }) => told.deciding.length > 0).length).toBeLessThan(b.heard.length / 2)
    const { told: sent, held } = a.tells.counters
    expect(sent + held).toBe(200)
    await bus.clock.advance(5000)
    expect(b.heard).toHaveLength(sent)
  })

  it('ends with one message when it has nothing to say', () => {
    const bus = new Bus()
    const [a, b] = [bus.join('a'), bus.join('b')] as const
    a.tells.tell(told(1))
    for (let n = 0; n < 3; n++) a.tells.tell(nothing)
    expect(b.heard.map(({ told }) => saysNothing(told))).toEqual([false, true])
  })

  it('is lost without a word when there is no connection, and after the end', async () => {
    const bus = new Bus()
    const [a, b] = [bus.join('a'), bus.join('b')] as const
    a.online = false
    a.tells.tell(told(1, true))
    a.tells.tell(told(1))
    a.online = true
    for (let n = 0; n < 10; n++) a.tells.tell(told(2))
    await a.connection.close()
    const { length } = b.heard
    a.tells.tell(told(3))
    await bus.clock.advance(10_000)
    expect(b.heard).toHaveLength(length)
    expect(a.tells.counters.unsent).toBeGreaterThanOrEqual(2)
  })

  it('cannot be spoilt: no message is a failure, as far as the agent sees', () => {
    const bus = new Bus()
    const a = bus.join('a')
    a.tells.tell({ ...told(1), servers: Array(99).fill(1) })
    expect(a.tells.counters).toMatchObject({ told: 0, unsent: 1 })
  })
})

describe('what comes in', () => {
  it('is of the device whose topic it is, whatever its boot', () => {
    const bus = new Bus()
    const a = bus.join('a')
    for (const from of ['x', 'y']) bus.send(topic(SITE, from, 'tell'), packetOf(1))
    expect(a.heard.map(({ from }) => from)).toEqual(['x', 'y'])
  })

  it('of other sites, and of servers, is not heard; what is for the device itself is passed on', () => {
    const bus = new Bus()
    const a = bus.join('a')
    bus.send(topic('other', 'x', 'tell'), packetOf(1))
    for (const verb of ['reply', 'infer'] as const) bus.send(topic(SITE, 'a', verb), packetOf(1))
    bus.send(topic(SITE, 'edge', 'state'), Uint8Array.of(1))
    expect(a.heard).toEqual([])
    expect(a.passedOn).toEqual(['a/reply', 'a/infer', 'edge/state'].map((end) => `isthmus/1/yard/${end}`))
    expect(a.published).toEqual([serverKey('edge')])
  })

  it('again, or older than what was heard, is not heard; a new boot begins anew', () => {
    const bus = new Bus()
    const a = bus.join('a')
    for (const packet of [packetOf(0xffffffff), packetOf(2), packetOf(2), packetOf(1), packetOf(1, 2)])
      bus.send(topic(SITE, 'x', 'tell'), packet)
    expect(a.heard.map(({ told }) => told.sent[0])).toEqual([-1, 2, 1])
    expect(a.tells.counters.repeated).toBe(2)
  })

  it('is counted when it cannot be read, and never throws', () => {
    const bus = new Bus()
    const a = bus.join('a', 100)
    const long = encodeMessage({ envelope: { id: 1 }, body: { kind: 'probe' } }, new Uint8Array(1100))
    const other = encodeMessage({ envelope: { id: 1 }, body: { kind: 'probe' } })
    for (const packet of [long, other, new Uint8Array(0)]) bus.send(topic(SITE, 'x', 'tell'), packet)
    expect(a.tells.counters.unreadable).toBe(3)
    fc.assert(
      fc.property(fc.string(), fc.uint8Array({ maxLength: 1200 }), (name, packet) => {
        bus.send(`${name}/tell`, packet)
        bus.send(topic(SITE, 'x', 'tell'), packet)
      }),
    )
    expect(a.heard).toEqual([])
    bus.send(topic(SITE, 'y', 'tell'), packetOf(1))
    expect(a.heard).toHaveLength(1)
  })

  it('from one that floods is dropped unread, and the others are heard as before', async () => {
    const bus = new Bus()
    const [a, b] = [bus.join('a'), bus.join('b')] as const
    for (let n = 1; n <= 5000; n++) {
      bus.send(topic(SITE, 'x', 'tell'), packetOf(n))
      if (n % 500 === 0) b.tells.tell(told(n % 100))
      await bus.clock.advance(1)
    }
    const from = (id: string) => a.heard.filter((one) => one.from === id).length
    expect(from('x')).toBeLessThanOrEqual(60 + 5 * 60)
    expect(from('b')).toBe(10)
    expect(a.tells.counters.flooded).toBe(5000 - from('x'))
  })

  it('from very many is bounded all together', () => {
    const bus = new Bus()
    const a = bus.join('a')
    for (let n = 1; n <= 20_000; n++) bus.send(topic(SITE, `x${n}`, 'tell'), packetOf(1))
    expect(a.heard).toHaveLength(64 * 20)
    expect(a.tells.counters.flooded).toBe(20_000 - 64 * 20)
  })
})
