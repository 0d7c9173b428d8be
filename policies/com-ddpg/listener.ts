import { addProduct, type Numbers } from '../products.ts'
import { type ActorShape, type ActorWeights, DIRECTIONS, heardWidth, sideWidth } from './actor-shape.ts'
import { sigmoid } from './sigmoid.ts'

/** What an agent tells the others before a round. */
export interface AgentMessage {
  /** `[places, message]`, each from −1 to 1 */
  readonly values: Numbers
  /** `[places]`: 1 where its task may run */
  readonly allowed: Uint8Array
  /** Whether it decides in this round, or only tells of work that it has sent. */
  readonly deciding: boolean
}

/**
 * Makes what an agent hears out of the others' messages: the same as the graphs of communication-graph, one agent at a time,
 * without a runtime.
 */
export class Listener {
  readonly #shape: ActorShape
  readonly #weights: Record<string, Numbers>
  #state = new Float64Array(0)
  #claimed = new Float64Array(0)
  #own = new Float64Array(0)
  #sum = new Float64Array(0)
  readonly #input: Float64Array
  readonly #fromState: Float64Array
  readonly #query: Float64Array
  readonly #key: Float64Array

  constructor(shape: ActorShape, weights: ActorWeights | ReadonlyMap<string, Numbers>) {
    this.#shape = shape
    this.#weights = Object.fromEntries(weights)
    this.#input = new Float64Array(3 * shape.heard)
    this.#fromState = new Float64Array(3 * shape.heard)
    this.#query = new Float64Array(shape.heard)
    this.#key = new Float64Array(shape.heard)
  }

  /**
   * @param before messages of the agents before this one in their order, first agent first
   * @param after those of the agents after it, first agent first
   * @param context `[places, 2·(heard + 1 + 2·message)]`, written
   */
  listen(
    own: AgentMessage,
    before: readonly AgentMessage[],
    after: readonly AgentMessage[],
    places: number,
    context: Float64Array,
  ): void {
    context.fill(0, 0, places * heardWidth(this.#shape))
    if (this.#shape.communication === 'attention') this.#attend(own, before, after, places, context)
    if (this.#shape.communication !== 'bidirectional') return
    this.#begin(places)
    for (const message of before) this.#pass('forward', message, places)
    this.#tell(context, 0, places)
    this.#begin(places)
    for (let at = after.length - 1; at >= 0; at--) this.#pass('backward', after[at]!, places)
    this.#tell(context, sideWidth(this.#shape), places)
  }

  /**
   * What each of several agents hears when all hear all.
   *
   * @param contexts of each agent, written
   */
  listenAll(messages: readonly AgentMessage[], places: number, contexts: readonly Float64Array[]): void {
    if (this.#shape.communication !== 'bidirectional') {
      for (const [at, own] of messages.entries()) {
        this.listen(own, messages.slice(0, at), messages.slice(at + 1), places, contexts[at]!)
      }
      return
    }
    for (const direction of DIRECTIONS) {
      this.#begin(places)
      for (let turn = 0; turn < messages.length; turn++) {
        const at = direction === 'forward' ? turn : messages.length - 1 - turn
        this.#tell(contexts[at]!, direction === 'forward' ? 0 : sideWidth(this.#shape), places)
        if (turn < messages.length - 1) this.#pass(direction, messages[at]!, places)
      }
    }
  }

  #begin(places: number): void {
    const { heard } = this.#shape
    if (this.#claimed.length < places) {
      this.#state = new Float64Array(places * heard)
      this.#claimed = new Float64Array(places)
      this.#own = new Float64Array(places)
      this.#sum = new Float64Array(places * 2 * this.#shape.message)
    }
    this.#state.fill(0)
    this.#claimed.fill(0)
    this.#sum.fill(0)
  }

  #tell(context: Float64Array, at: number, places: number): void {
    const { heard, message } = this.#shape
    const width = heardWidth(this.#shape)
    for (let place = 0; place < places; place++) {
      for (let unit = 0; unit < heard; unit++) {
        context[place * width + at + unit] = this.#state[place * heard + unit]!
      }
      context[place * width + at + heard] = this.#claimed[place]!
      for (let unit = 0; unit < 2 * message; unit++) {
        context[place * width + at + heard + 1 + unit] = this.#sum[place * 2 * message + unit]!
      }
    }
  }

  #pass(
    direction: (typeof DIRECTIONS)[number],
    { values, allowed, deciding }: AgentMessage,
    places: number,
  ): void {
    const { heard, message } = this.#shape
    const weights = this.#weights
    const claim = weights[`${direction}.claim`]!
    const state = this.#state
    const claimed = this.#claimed
    const own = this.#own
    let highest = -Infinity
    for (let place = 0; place < places; place++) {
      let logit = allowed[place] === 1 ? claimed[place]! * claim[message + heard]! : -1e9
      for (let at = 0; at < message; at++) logit += values[place * message + at]! * claim[at]!
      for (let at = 0; at < heard; at++) logit += state[place * heard + at]! * claim[message + at]!
      own[place] = logit
      highest = Math.max(highest, logit)
    }
    let sum = 0
    for (let place = 0; place < places; place++) sum += own[place] = Math.exp(own[place]! - highest)
    const input = this.#input
    const fromState = this.#fromState
    for (let place = 0; place < places; place++) {
      const share = deciding ? own[place]! / sum : 0
      // Nobody hears of another's own device.
      if (place === 0) continue
      input.set(weights[`${direction}.bias`]!)
      addProduct(values, place * message, message, weights[`${direction}.input`]!, input, 0, 3 * heard)
      const claims = weights[`${direction}.claimed`]!
      for (let unit = 0; unit < 3 * heard; unit++) {
        input[unit]! += share * claims[unit]! + claimed[place]! * claims[3 * heard + unit]!
      }
      fromState.fill(0)
      addProduct(state, place * heard, heard, weights[`${direction}.state`]!, fromState, 0, 3 * heard)
      for (let unit = 0; unit < heard; unit++) {
        const reset = sigmoid(input[unit]! + fromState[unit]!)
        const update = sigmoid(input[heard + unit]! + fromState[heard + unit]!)
        const candidate = Math.tanh(input[2 * heard + unit]! + reset * fromState[2 * heard + unit]!)
        state[place * heard + unit]! += update * (candidate - state[place * heard + unit]!)
      }
      claimed[place]! += share
      for (let unit = 0; unit < message; unit++) {
        const value = values[place * message + unit]!
        this.#sum[place * 2 * message + unit]! += value
        this.#sum[(place * 2 + 1) * message + unit]! += share * value
      }
    }
  }

  #attend(
    own: AgentMessage,
    before: readonly AgentMessage[],
    after: readonly AgentMessage[],
    places: number,
    context: Float64Array,
  ): void {
    const { message, heard } = this.#shape
    const weights = this.#weights
    const width = heardWidth(this.#shape)
    const others = [...before, ...after]
    const fits = new Float64Array(others.length)
    for (let place = 1; place < places; place++) {
      const query = this.#query.fill(0)
      addProduct(own.values, place * message, message, weights['attention.query']!, query, 0, heard)
      let highest = -Infinity
      for (const [at, { values }] of others.entries()) {
        const key = this.#key.fill(0)
        addProduct(values, place * message, message, weights['attention.key']!, key, 0, heard)
        let fit = 0
        for (let unit = 0; unit < heard; unit++) fit += query[unit]! * key[unit]!
        fits[at] = fit / Math.sqrt(heard)
        highest = Math.max(highest, fits[at]!)
      }
      let sum = 0
      for (let at = 0; at < others.length; at++) sum += fits[at] = Math.exp(fits[at]! - highest)
      for (const [at, { values }] of others.entries()) {
        const share = fits[at]! / sum
        for (let unit = 0; unit < message; unit++) {
          const factor = share * values[place * message + unit]!
          for (let out = 0; out < width; out++) {
            context[place * width + out]! += factor * weights['attention.value']![unit * width + out]!
          }
        }
      }
    }
  }
}
