import { MAX_TOLD_SERVERS } from '@isthmus/proto'
import type { OffloadObservation, RandomStream } from '../../env/index.ts'
import { policyError } from '../../errors.ts'
import { Actor, type AgentMemory, type AgentThought } from '../actor.ts'
import { heardWidth } from '../actor-shape.ts'
import type { AgentsNetwork } from '../agents-network.ts'
import { writeRows } from '../offload-rows.ts'
import { networkKey } from './network-key.ts'
import { type PeerCounters, type PeerLimits, PeerTable } from './peer-table.ts'
import { coded, type Told } from './told.ts'

export interface TalkingAgentOptions extends PeerLimits {
  /** Its id among the others; what is heard is taken in the order of ids. */
  readonly id: string
  readonly network: AgentsNetwork
  /** What tells it apart from others that see the same; the device's own, never the same as another's. */
  readonly random: RandomStream
}

/** All that depends on which servers there are. */
interface Setting {
  readonly servers: readonly number[]
  readonly memory: AgentMemory
  readonly thought: AgentThought
  /** The thought of an agent that only tells of the work that it has sent. */
  readonly aside: AgentThought
  readonly chance: Float64Array
  readonly context: Float64Array
  readonly scores: Float64Array
  readonly ratios: Float64Array
}

const NO_VALUES = new Int8Array(0)

/**
 * One agent of those that decide together, as a device runs it: it {@link think}s and gets what it is to tell, {@link hear}s what
 * the others told last, and {@link decide}s. Has no clock and does no I/O. Having heard nobody, it decides as if alone.
 */
export class TalkingAgent {
  readonly id: string
  readonly network: number
  readonly #actor: Actor
  readonly #random: RandomStream
  readonly #peers: PeerTable
  readonly #tells: boolean
  #setting: Setting
  #ready = false

  /** Throws IsthmusError `BAD_POLICY` when the network cannot be served. */
  constructor({ id, network, random, ...limits }: TalkingAgentOptions) {
    this.id = id
    this.network = networkKey(network)
    this.#actor = new Actor(network.shape, network.weights)
    this.#random = random
    this.#tells = network.shape.communication !== 'none'
    const nobody = this.#actor.thought(1)
    this.#actor.think(nobody)
    this.#peers = new PeerTable(this.network, nobody.message.values, limits)
    this.#setting = this.#settingOf([])
  }

  /** What became of what others told. */
  get counters(): Readonly<PeerCounters> {
    return this.#peers.counters
  }

  /** What it last decided by, `[places]`; −1e9 where the task may not run. */
  get scores(): Float64Array {
    return this.#setting.scores
  }

  /**
   * Of agents that divide tasks: which share of a task that can be divided goes to each place, `[places]`, from 0 to 1, by what it last decided;
   * else 1.
   */
  get ratios(): Float64Array {
    return this.#setting.ratios
  }

  /** Others that count now. */
  peers(nowMs: number): number {
    return this.#peers.count(nowMs)
  }

  /**
   * Thinks about what it sees, and returns what it is to tell. When `seen.deciding`, {@link decide} comes next.
   *
   * @param servers keys of places 1, 2, …; the memory goes with the key
   * @throws IsthmusError `BAD_OBSERVATION` when places and servers do not fit
   */
  think(seen: OffloadObservation, servers: readonly number[]): Told {
    if (seen.places !== 1 + servers.length || new Set(servers).size < servers.length) {
      throw policyError('BAD_OBSERVATION', `agents: ${seen.places} places, servers ${servers.join(', ')}`)
    }
    const setting = this.#settingFor(servers)
    const { chance, thought, aside } = setting
    for (let place = 0; place < seen.places; place++) chance[place] = this.#random.between(-1, 1)
    writeRows(seen, chance, thought.rows, 0, this.#actor.shape.row)
    thought.message.allowed.set(seen.allowed)
    thought.message.deciding = seen.deciding
    this.#actor.think(thought)
    this.#ready = seen.deciding
    const told = Math.min(servers.length, MAX_TOLD_SERVERS)
    const width = this.#actor.shape.message
    let allowed = 0
    for (let place = 0; place <= told; place++) if (seen.allowed[place] === 1) allowed |= 1 << place
    const values = (from: number, { message }: AgentThought) =>
      this.#tells ? coded(message.values.subarray(from * width, (1 + told) * width)) : NO_VALUES
    const hasSent = seen.sentS.some((seconds, place) => place > 0 && seconds > 0)
    if (hasSent && seen.deciding) {
      writeRows({ ...seen, deciding: false }, chance, aside.rows, 0, this.#actor.shape.row)
      this.#actor.think(aside)
    }
    return {
      network: this.network,
      servers: servers.slice(0, told),
      sent: hasSent ? values(1, seen.deciding ? aside : thought) : NO_VALUES,
      deciding: seen.deciding ? values(0, thought) : NO_VALUES,
      allowed,
    }
  }

  /** Takes what another told; false when it was ignored, which is counted. Never throws. Its own words come back: not heard. */
  hear(from: string, told: Told, nowMs: number): boolean {
    return from !== this.id && this.#peers.hear(from, told, nowMs)
  }

  /** A server has published its load: what others told of work that they had sent there before is in it. */
  published(server: number): void {
    this.#peers.published(server)
  }

  /**
   * The place where what it thought about last is to run; the memory moves on by one decision.
   *
   * @throws IsthmusError `BAD_OBSERVATION` unless it has just thought about something to decide
   */
  decide(nowMs: number): number {
    if (!this.#ready)
      throw policyError('BAD_OBSERVATION', 'agents: nothing was thought about before deciding')
    this.#ready = false
    const { servers, thought, context, memory, scores, ratios } = this.#setting
    const { before, after } = this.#peers.messages(this.id, servers, nowMs)
    this.#actor.listener.listen(thought.message, before, after, thought.places, context)
    this.#actor.decide(thought, context, memory, scores, ratios)
    ratios[0] = 1
    let best = Math.max(0, thought.message.allowed.indexOf(1))
    for (let place = 0; place < thought.places; place++) {
      if (thought.message.allowed[place] === 1 && scores[place]! > scores[best]!) best = place
    }
    return best
  }

  #settingFor(servers: readonly number[]): Setting {
    const known = this.#setting
    const same =
      known.servers.length === servers.length && servers.every((key, at) => key === known.servers[at])
    if (same) return known
    const setting = this.#settingOf(servers)
    const { hidden } = this.#actor.shape
    const places = [0, ...servers.map((key) => 1 + known.servers.indexOf(key))]
    for (const [place, from] of places.entries()) {
      if (place > 0 && from === 0) continue
      for (const part of ['hidden', 'cell'] as const) {
        const kept = known.memory[part].subarray(from * hidden, (from + 1) * hidden)
        setting.memory[part].set(kept, place * hidden)
      }
    }
    this.#setting = setting
    return setting
  }

  #settingOf(servers: readonly number[]): Setting {
    const places = 1 + servers.length
    return {
      servers: [...servers],
      memory: this.#actor.memory(places),
      thought: this.#actor.thought(places),
      aside: this.#actor.thought(places),
      chance: new Float64Array(places),
      context: new Float64Array(places * heardWidth(this.#actor.shape)),
      scores: new Float64Array(places),
      ratios: new Float64Array(places).fill(1),
    }
  }
}
