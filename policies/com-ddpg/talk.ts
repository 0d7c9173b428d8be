import {
  type OffloadObservation,
  offloadObservation,
  RandomStream,
  type RoundEnvironment,
} from '../env/index.ts'
import type { Actor, AgentMemory, AgentThought } from './actor.ts'
import { heardWidth } from './actor-shape.ts'
import { gumbel } from './gumbel.ts'
import type { AgentMessage } from './listener.ts'
import { writeRows } from './offload-rows.ts'

/** How agents play: how they choose, and which messages get lost. */
export interface TalkOptions {
  /** Chance that an agent does not get another's message in time, each for itself. Default 0. */
  readonly messageLoss?: number
  /** Scale of the noise that scores get (Gumbel), so that agents explore. Default 0: the best score is taken. */
  readonly exploration?: number
  /** Standard deviation of the noise that ratios get. Default 0. */
  readonly ratioNoise?: number
  /** Tasks stay whole, on the device where the ratio is below a half. Default false. */
  readonly whole?: boolean
}

/**
 * The agents of an environment, each with its own memory and the same actor: in each round those who have something to decide
 * tell each other their messages, then decide.
 */
export class Talk {
  readonly actor: Actor
  readonly random = new RandomStream(0)
  readonly #options: TalkOptions
  readonly #seen: OffloadObservation
  readonly #chance: Float64Array
  readonly #scores: Float64Array
  readonly #ratios: Float64Array[]
  readonly #divisible: Uint8Array
  readonly #memories: AgentMemory[]
  readonly #thoughts: AgentThought[]
  readonly #contexts: Float64Array[]

  constructor(actor: Actor, { agents, places }: RoundEnvironment, options: TalkOptions = {}) {
    this.actor = actor
    this.#options = options
    this.#seen = offloadObservation(places)
    this.#chance = new Float64Array(places)
    this.#scores = new Float64Array(places)
    this.#ratios = Array.from({ length: agents }, () => new Float64Array(places).fill(1))
    this.#divisible = new Uint8Array(agents)
    this.#memories = Array.from({ length: agents }, () => actor.memory(places))
    this.#thoughts = Array.from({ length: agents }, () => actor.thought(places))
    this.#contexts = Array.from({ length: agents }, () => new Float64Array(places * heardWidth(actor.shape)))
  }

  begin(seed: number): void {
    this.random.seed(seed, 0x74616c6b)
    for (const { hidden, cell } of this.#memories) {
      hidden.fill(0)
      cell.fill(0)
    }
  }

  /** What agent `agent` thought in the round that was decided last. */
  thoughtOf(agent: number): AgentThought {
    return this.#thoughts[agent]!
  }

  /** Whether its task could be divided, and `[places]`: which share the agent would send to each place, 1 of tasks that are whole. */
  divisionOf(agent: number): { readonly divisible: boolean; readonly ratios: Float64Array } {
    return { divisible: this.#divisible[agent] === 1, ratios: this.#ratios[agent]! }
  }

  decide(environment: RoundEnvironment, actions: Int32Array, shares?: Float64Array): void {
    const { agents, places } = environment
    const { messageLoss = 0, exploration = 0 } = this.#options
    const { row } = this.actor.shape
    const speakers: number[] = []
    for (let agent = 0; agent < agents; agent++) {
      if (environment.speaking[agent] === 0) continue
      const thought = this.#thoughts[agent]!
      environment.observe(agent, this.#seen)
      for (let place = 0; place < places; place++) this.#chance[place] = this.random.between(-1, 1)
      writeRows(this.#seen, this.#chance, thought.rows, 0, row)
      this.#divisible[agent] = this.#seen.divisible ? 1 : 0
      thought.message.allowed.set(this.#seen.allowed)
      thought.message.deciding = this.#seen.deciding
      this.actor.think(thought)
      speakers.push(agent)
    }
    const messages = speakers.map((agent) => this.#thoughts[agent]!.message)
    const contexts = speakers.map((agent) => this.#contexts[agent]!)
    if (messageLoss === 0) this.actor.listener.listenAll(messages, places, contexts)
    else for (const at of speakers.keys()) this.#listenWithLosses(messages, at, places, contexts[at]!)
    for (const [at, agent] of speakers.entries()) {
      if (environment.acting[agent] === 0) continue
      const ratios = this.#ratios[agent]!
      this.actor.decide(this.#thoughts[agent]!, contexts[at]!, this.#memories[agent]!, this.#scores, ratios)
      const place = this.#choose(exploration, places)
      actions[agent] = place
      if (!this.actor.shape.ratio) continue
      this.#divide(agent, ratios)
      if (shares) shares[agent] = this.#options.whole ? Math.round(ratios[place]!) : ratios[place]!
    }
  }

  #listenWithLosses(
    messages: readonly AgentMessage[],
    own: number,
    places: number,
    context: Float64Array,
  ): void {
    const arrived = messages.map((_, at) => at !== own && this.random.uniform() >= this.#options.messageLoss!)
    const kept = (from: number, to: number) =>
      messages.slice(from, to).filter((_, at) => arrived[from + at] === true)
    this.actor.listener.listen(messages[own]!, kept(0, own), kept(own + 1, messages.length), places, context)
  }

  #divide(agent: number, ratios: Float64Array): void {
    const { ratioNoise = 0 } = this.#options
    if (this.#divisible[agent] === 0) ratios.fill(1)
    else if (ratioNoise > 0) {
      for (let place = 1; place < ratios.length; place++) {
        const noisy = ratios[place]! + ratioNoise * this.random.normal()
        ratios[place] = Math.min(1, Math.max(0, noisy))
      }
    }
    ratios[0] = 1
  }

  #choose(exploration: number, places: number): number {
    let best = 0
    let highest = -Infinity
    for (let place = 0; place < places; place++) {
      const noise = exploration > 0 ? exploration * gumbel(this.random) : 0
      const score = this.#scores[place]! + noise
      if (score > highest) {
        highest = score
        best = place
      }
    }
    return best
  }
}
