import type { AgentMessage } from '../listener.ts'
import { decoded, isTold, saysNothing, type Told } from './told.ts'

/** How long and of how many others what they told counts. */
export interface PeerLimits {
  /** Others that are listened to at a time. Default 64. */
  readonly mostPeers?: number
  /** What was told longer ago does not count, in ms. Default 1000. */
  readonly staleMs?: number
  /** So long another's "I decide now" counts, in ms; after that, what it said of the work that it has sent. Default 50. */
  readonly decidingMs?: number
}

/** What became of what others told, counted. */
export interface PeerCounters {
  heard: number
  /** Not of the form, or of another number of values. */
  malformed: number
  /** Of another network. */
  foreign: number
  /** From one too many. */
  crowded: number
}

/** The latest that one other agent told, decoded. */
interface Peer {
  readonly servers: readonly number[]
  readonly sent: Float64Array
  readonly deciding: Float64Array
  readonly allowed: number
  readonly heardMs: number
  /** Servers that have published their load since: what was sent before is in it. */
  readonly covered: Set<number>
}

/**
 * The latest that each of the other agents told, for so long as it counts. Whatever comes in, it never throws, and holds no more
 * than its limits: when it is full, newcomers wait until somebody has gone quiet.
 */
export class PeerTable {
  readonly counters: PeerCounters = { heard: 0, malformed: 0, foreign: 0, crowded: 0 }
  readonly #network: number
  readonly #width: number
  readonly #nothingSent: Float64Array
  readonly #limits: Required<PeerLimits>
  readonly #peers = new Map<string, Peer>()

  /** @param nothingSent `[message]`: what an agent says of a server to which it has sent nothing */
  constructor(network: number, nothingSent: Float64Array, limits: PeerLimits = {}) {
    this.#network = network
    this.#width = nothingSent.length
    this.#nothingSent = nothingSent
    this.#limits = { mostPeers: 64, staleMs: 1000, decidingMs: 50, ...limits }
  }

  /** Others whose latest word is not too old. */
  count(nowMs: number): number {
    let count = 0
    for (const peer of this.#peers.values()) if (this.#age(peer, nowMs) <= this.#limits.staleMs) count++
    return count
  }

  /** Takes what `from` told; false when it was ignored, which is counted. */
  hear(from: string, told: Told, nowMs: number): boolean {
    const { counters } = this
    if (!isTold(told, this.#width)) {
      counters.malformed++
      return false
    }
    if (told.network !== this.#network) {
      counters.foreign++
      return false
    }
    if (!this.#peers.delete(from) && !saysNothing(told) && !this.#hasRoom(nowMs)) {
      counters.crowded++
      return false
    }
    counters.heard++
    if (saysNothing(told)) return true
    const { servers, sent, deciding, allowed } = told
    this.#peers.set(from, {
      servers: [...servers],
      sent: decoded(sent),
      deciding: decoded(deciding),
      allowed,
      heardMs: nowMs,
      covered: new Set(),
    })
    return true
  }

  /** A server has published its load: what others had sent there before is in it. */
  published(server: number): void {
    for (const { covered, servers } of this.#peers.values()) if (servers.includes(server)) covered.add(server)
  }

  /** What counts now of those before and after `own` in the order of ids, for one with these servers. */
  messages(
    own: string,
    servers: readonly number[],
    nowMs: number,
  ): { before: AgentMessage[]; after: AgentMessage[] } {
    const before: AgentMessage[] = []
    const after: AgentMessage[] = []
    for (const id of [...this.#peers.keys()].sort()) {
      const message = id === own ? undefined : this.#messageOf(this.#peers.get(id)!, servers, nowMs)
      if (message) (id < own ? before : after).push(message)
    }
    return { before, after }
  }

  #age({ heardMs }: Peer, nowMs: number): number {
    return nowMs - heardMs
  }

  /** The map is in the order in which peers were heard, so the first is the oldest. */
  #hasRoom(nowMs: number): boolean {
    if (this.#peers.size < this.#limits.mostPeers) return true
    const [oldest, peer] = this.#peers.entries().next().value!
    return this.#age(peer, nowMs) > this.#limits.staleMs && this.#peers.delete(oldest)
  }

  #messageOf(peer: Peer, servers: readonly number[], nowMs: number): AgentMessage | undefined {
    const age = this.#age(peer, nowMs)
    const { staleMs, decidingMs } = this.#limits
    if (age > staleMs) return undefined
    const deciding = peer.deciding.length > 0 && age <= decidingMs
    return (deciding && this.#decision(peer, servers)) || this.#sentWork(peer, servers)
  }

  /** Servers that only one of the two knows: the receiver's stay zeros, the sender's are left out. */
  #decision({ deciding, servers: theirs, allowed: bits }: Peer, servers: readonly number[]) {
    const width = this.#width
    const values = new Float64Array((1 + servers.length) * width)
    const allowed = new Uint8Array(1 + servers.length)
    values.set(deciding.subarray(0, width))
    allowed[0] = bits & 1
    for (const [at, key] of servers.entries()) {
      const place = 1 + theirs.indexOf(key)
      if (place === 0) continue
      values.set(deciding.subarray(place * width, (place + 1) * width), (1 + at) * width)
      allowed[1 + at] = (bits >>> place) & 1
    }
    return allowed.includes(1) ? { values, allowed, deciding: true } : undefined
  }

  #sentWork({ sent, servers: theirs, covered }: Peer, servers: readonly number[]): AgentMessage | undefined {
    if (sent.length === 0) return undefined
    const width = this.#width
    const values = new Float64Array((1 + servers.length) * width)
    let some = false
    for (const [at, key] of servers.entries()) {
      const server = theirs.indexOf(key)
      if (server < 0) continue
      const told = covered.has(key) ? this.#nothingSent : sent.subarray(server * width, (server + 1) * width)
      values.set(told, (1 + at) * width)
      some ||= !covered.has(key)
    }
    return some ? { values, allowed: new Uint8Array(1 + servers.length).fill(1), deciding: false } : undefined
  }
}
