import { Bidder, type Wanted } from '@isthmus/device-sdk/market'
import {
  type ClearMarket,
  type EndOfLease,
  MarketNode,
  type MarketObserver,
} from '@isthmus/edge-server/market'
import { RandomStream } from '@isthmus/policies/env'
import { encodeMessage, topic } from '@isthmus/proto'
import { VirtualDisk } from './virtual-disk.ts'
import { VirtualNetwork } from './virtual-network.ts'

export interface StormOptions {
  readonly seed: number
  /** Rounds that are cleared before it ends. */
  readonly rounds: number
  readonly servers: number
  readonly devices: number
  readonly clear: ClearMarket
  /** Until a write is safe it takes up to so long. Default: 40. */
  readonly diskMs?: number
  /** Share of deliveries that arrive twice. Default: 0.1. */
  readonly duplicates?: number
  /** Tests take a promise away, to see that its breach is found. */
  readonly sabotage?: 'leases are not written down'
}

/** What a storm has come to. */
export interface StormReport {
  /**
   * Moments (100 in a second) at which leases that devices took for theirs were together more than the server of them has, or at which
   * the server's own ledger held more than that, or at which two servers held an accepted lease of one bid.
   */
  readonly doubleAllocations: number
  /**
   * Leases that a server had confirmed to a device, that were neither released nor over by the device's own clock nor ended by the device's last
   * will, and that the server, up and running, did not know any more.
   */
  readonly lostLeases: number
  readonly rounds: number
  readonly terms: number
  readonly bids: number
  readonly granted: number
  readonly serverCrashes: number
  readonly auctioneerCrashes: number
  readonly deviceCrashes: number
  readonly cuts: number
  /** Orders of auctioneers that had been replaced, or that came twice or too late. */
  readonly oldOrders: number
  readonly ended: Readonly<Record<EndOfLease, number>>
  /** From the death of an auctioneer to the first round that another cleared, in rounds; the longest, where no other server died meanwhile. */
  readonly longestTakeoverRounds: number
}

const SITE = 'storm'
const ROUND_MS = 200
const STEP_MS = 10
const CAPACITY = [4, 8, 1, 100]
const rules = {
  roundMs: ROUND_MS,
  leaseMs: 3000,
  holdMs: 600,
  tenureMs: 8000,
  maxBids: 1000,
  maxDevices: 1000,
  perRound: 8,
  maxOpen: 4,
}
const faults = { loss: 0.05, duplicates: 0.1, longestMs: 60 }
/** Chances in a round. */
const chances = { serverCrash: 0.03, auctioneerCrash: 0.04, deviceCrash: 0.04, glitch: 0.04, cut: 0.03 }

interface Server {
  readonly id: string
  readonly disk: VirtualDisk
  node: MarketNode | undefined
  backAtMs: number
}

interface Device {
  readonly id: string
  readonly wanted: Wanted
  bidder: Bidder
  boot: number
  online: boolean
  backAtMs: number
  wantsUntilMs: number
}

/**
 * A market in virtual time whose servers, auctioneer and devices crash, are cut off and come back while the network loses, doubles and
 * reorders messages: the real nodes and the real bidders, and only what is between them and below them is not.
 */
export class Storm {
  readonly #options: StormOptions
  readonly #random: RandomStream
  readonly #network: VirtualNetwork
  readonly #servers: Server[]
  readonly #devices: Device[]
  readonly #ended: Record<EndOfLease, number> = { expired: 0, released: 0, offline: 0, 'not-kept': 0 }
  readonly #endedByWill = new Set<string>()
  readonly #lost = new Set<string>()
  readonly #terms = new Set<string>()
  readonly #counts = {
    doubleAllocations: 0,
    rounds: 0,
    granted: 0,
    serverCrashes: 0,
    auctioneerCrashes: 0,
    deviceCrashes: 0,
    cuts: 0,
    oldOrders: 0,
  }
  #bids = 0
  #life = 0
  #auctioneerDiedMs: number | undefined
  #longestTakeoverMs = 0

  constructor(options: StormOptions) {
    this.#options = options
    this.#random = new RandomStream(options.seed)
    const { diskMs = 40, duplicates = faults.duplicates } = options
    this.#network = new VirtualNetwork(this.#random, { ...faults, duplicates })
    this.#servers = Array.from({ length: options.servers }, (_, at) => ({
      id: `edge-${at}`,
      disk: new VirtualDisk(this.#network, this.#random, diskMs),
      node: undefined,
      backAtMs: 0,
    }))
    this.#devices = Array.from({ length: options.devices }, (_, at) => this.#newDevice(`dev-${at}`))
  }

  async run(): Promise<StormReport> {
    // Rounds in which nobody is there to clear do not count.
    for (let step = 1; this.#counts.rounds < this.#options.rounds; step++) {
      await this.#network.runUntil(step * STEP_MS)
      if (step % (ROUND_MS / STEP_MS) === 0) this.#misfortune()
      for (const server of this.#servers) {
        if (server.node) server.node.tick()
        else if (this.#network.nowMs >= server.backAtMs) this.#start(server)
      }
      for (const device of this.#devices) this.#live(device)
      this.#check()
    }
    for (const { bidder } of this.#devices) this.#bids += bidder.counters.bids
    return {
      ...this.#counts,
      lostLeases: this.#lost.size,
      terms: this.#terms.size,
      bids: this.#bids,
      ended: this.#ended,
      longestTakeoverRounds: this.#longestTakeoverMs / ROUND_MS,
    }
  }

  #newDevice(id: string): Device {
    const amount = (most: number) => Math.ceil(this.#random.uniform() * 4 * most) / 4
    const device: Device = {
      id,
      wanted: {
        demand: [amount(2), amount(3), this.#random.uniform() < 0.2 ? 0.5 : 0, amount(30)],
        price: 1 + this.#random.uniform() * 10,
        priority: this.#random.uniform(),
        reliability: 0,
        availability: 0,
        latencyMs: 0,
        x: 0,
        y: 0,
        resourceKind: '',
      },
      bidder: undefined as unknown as Bidder,
      boot: 0,
      online: false,
      backAtMs: 0,
      wantsUntilMs: 0,
    }
    this.#boot(device)
    return device
  }

  #boot(device: Device): void {
    device.boot++
    const { id, boot } = device
    if (device.bidder) this.#bids += device.bidder.counters.bids
    device.bidder = new Bidder({
      site: SITE,
      id,
      boot,
      now: () => this.#network.nowMs,
      random: () => this.#random.uniform(),
      publish: (name, packet) => this.#network.publish(id, name, packet),
      wanted: () => (this.#network.nowMs < device.wantsUntilMs ? device.wanted : undefined),
    })
  }

  #live(device: Device): void {
    const { nowMs } = this.#network
    if (!device.online && nowMs >= device.backAtMs) {
      device.online = true
      const { id, bidder } = device
      const filters = new Set(bidder.filters)
      this.#network.join(
        id,
        (name) => filters.has(name),
        (name, packet) => bidder.onMessage(name, packet),
      )
      bidder.onOnline()
    }
    // It wants the edge for some seconds, then not for some.
    if (nowMs > device.wantsUntilMs + 1500) device.wantsUntilMs = nowMs + this.#random.uniform() * 12_000
    device.bidder.tick()
  }

  #start(server: Server): void {
    const { sabotage, clear } = this.#options
    const entries = server.disk.crash()
    const epoch = ++this.#life
    const { id } = server
    const filters = MarketNode.filters(SITE).map(
      (filter) => new RegExp(`^${filter.replaceAll('+', '[^/]+')}$`),
    )
    const node = new MarketNode({
      site: SITE,
      id,
      epoch,
      // Every life of a server has a clock of its own.
      clock: () => this.#network.nowMs + epoch * 12_345,
      rules,
      offer: {
        capacity: CAPACITY,
        credits: 64,
        kind: 'edge',
        unitCost: 0.1,
        reliability: 0.9,
        availability: 0.9,
        energy: 0.5,
        place: { x: 0, y: 0 },
      },
      clear,
      journal: server.disk.journal(),
      entries: sabotage === 'leases are not written down' ? [] : entries,
      send: (name, packet, { retain }) => this.#network.publish(id, name, packet, retain),
      observer: this.#observer(id),
    })
    server.node = node
    this.#network.join(
      id,
      (name) => filters.some((filter) => filter.test(name)),
      (name, packet, retained) => node.receive(name, packet, retained),
    )
    node.announce()
  }

  #observer(id: string): MarketObserver {
    return {
      elected: (leads, term) => {
        if (leads) this.#terms.add(`${term.number}/${term.holder}`)
      },
      cleared: () => {
        this.#counts.rounds++
        if (this.#auctioneerDiedMs === undefined) return
        const tookMs = this.#network.nowMs - this.#auctioneerDiedMs
        this.#longestTakeoverMs = Math.max(this.#longestTakeoverMs, tookMs)
        this.#auctioneerDiedMs = undefined
      },
      rejected: () => {},
      granted: () => {
        this.#counts.granted++
      },
      refused: (reason) => {
        if (reason === 'old-order') this.#counts.oldOrders++
      },
      ended: ({ device, boot, id: bid }, why) => {
        this.#ended[why]++
        if (why === 'offline') this.#endedByWill.add(`${id}/${device}/${boot}/${bid}`)
      },
      journalFailed: () => {},
      clearingFailed: (error) => {
        throw error
      },
    }
  }

  /** What goes wrong in this round. */
  #misfortune(): void {
    for (const server of this.#servers) {
      if (!server.node) continue
      const leads = server.node.leads
      if (this.#random.uniform() >= (leads ? chances.auctioneerCrash : chances.serverCrash)) continue
      this.#crash(server, leads)
    }
    const cutAt = Math.floor(this.#random.uniform() * this.#servers.length)
    if (this.#random.uniform() < chances.cut) {
      this.#network.cut(this.#servers[cutAt]!.id, this.#random.uniform() * 6 * ROUND_MS)
      this.#counts.cuts++
      this.#auctioneerDiedMs = undefined
    }
    for (const device of this.#devices) {
      if (!device.online) continue
      const luck = this.#random.uniform()
      if (luck >= chances.deviceCrash + chances.glitch) continue
      this.#disconnect(device)
      // A broker passes the last will of a connection on before it takes the next one of that device.
      const absentMs = faults.longestMs + this.#random.uniform() * 4 * ROUND_MS
      device.backAtMs = this.#network.nowMs + absentMs
      if (luck >= chances.deviceCrash) continue
      this.#counts.deviceCrashes++
      this.#boot(device)
    }
  }

  #crash(server: Server, leads: boolean): void {
    server.node = undefined
    server.backAtMs = this.#network.nowMs + this.#random.uniform() * 10 * ROUND_MS
    this.#network.leave(server.id)
    this.#counts.serverCrashes++
    if (leads) this.#counts.auctioneerCrashes++
    const others = this.#servers.filter(({ node }) => node)
    this.#auctioneerDiedMs = leads && others.length > 0 ? this.#network.nowMs : undefined
    // Half of them without the broker noticing.
    if (this.#random.uniform() < 0.5) this.#sayOffline(server.id, 0)
  }

  #disconnect(device: Device): void {
    device.online = false
    device.bidder.onOffline()
    this.#network.leave(device.id)
    this.#sayOffline(device.id, device.boot)
  }

  #sayOffline(id: string, boot: number): void {
    const packet = encodeMessage({ envelope: { boot }, body: { kind: 'state', presence: 'offline' } })
    this.#network.publish('the broker', topic(SITE, id, 'state'), packet)
  }

  #check(): void {
    let isDouble = false
    const believed = new Map<string, number[]>()
    const accepted = new Map<string, string>()
    for (const { bidder, wanted, id, boot } of this.#devices) {
      const { lease } = bidder
      if (!lease) continue
      const sum = believed.get(lease.server) ?? [0, 0, 0, 0]
      believed.set(
        lease.server,
        sum.map((amount, at) => amount + wanted.demand[at]!),
      )
      this.#checkKnown(id, boot, lease)
    }
    for (const { id, node } of this.#servers) {
      const held = [0, 0, 0, 0]
      for (const lease of node?.ledger.leases ?? []) {
        for (const [at, amount] of lease.demand.entries()) held[at]! += amount
        if (!lease.accepted) continue
        const bid = `${lease.device}/${lease.boot}/${lease.id}`
        if (accepted.has(bid)) isDouble = true
        accepted.set(bid, id)
      }
      for (const sum of [held, believed.get(id) ?? []]) {
        if (sum.some((amount, at) => amount > CAPACITY[at]! + 1e-6)) isDouble = true
      }
    }
    if (isDouble) this.#counts.doubleAllocations++
  }

  #checkKnown(id: string, boot: number, lease: NonNullable<Bidder['lease']>): void {
    const server = this.#servers.find((one) => one.id === lease.server)
    if (!server?.node) return
    const name = `${lease.server}/${id}/${boot}/${lease.bid}`
    const isKnown = [...server.node.ledger.leases].some(
      (held) => held.device === id && held.boot === boot && held.id === lease.bid,
    )
    if (!isKnown && !this.#endedByWill.has(name)) this.#lost.add(name)
  }
}
