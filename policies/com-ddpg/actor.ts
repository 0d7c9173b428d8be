import { addProduct, type Numbers } from '../products.ts'
import { type ActorShape, type ActorWeights, heardWidth } from './actor-shape.ts'
import { type AgentMessage, Listener } from './listener.ts'
import { sigmoid } from './sigmoid.ts'

/** What an agent remembers from round to round, of each place: `[places, hidden]`. Zeros at first. */
export interface AgentMemory {
  readonly hidden: Float64Array
  readonly cell: Float64Array
}

/** An agent's own part of a round, before it hears of the others. */
export interface AgentThought {
  readonly places: number
  /** `[places, row]` */
  readonly rows: Float32Array
  /** `[places, hidden]` */
  readonly encoded: Float64Array
  /** What it tells the others. */
  readonly message: AgentMessage & { readonly values: Float64Array; deciding: boolean }
}

/**
 * Runs an actor for one agent on the caller's thread, without a runtime: first it {@link think}s and tells its message, then,
 * having heard of the others, it {@link decide}s. The same function as the graph that was trained.
 */
export class Actor {
  readonly shape: ActorShape
  readonly listener: Listener
  readonly #weights: Record<string, Numbers>
  readonly #input: Float64Array
  readonly #gates: Float64Array
  readonly #pooled: Float64Array
  readonly #shared: Float64Array
  readonly #unit: Float64Array

  constructor(shape: ActorShape, weights: ActorWeights | ReadonlyMap<string, Numbers>) {
    this.shape = shape
    this.listener = new Listener(shape, weights)
    this.#weights = Object.fromEntries(weights)
    this.#input = new Float64Array(shape.hidden + heardWidth(shape))
    this.#gates = new Float64Array(4 * shape.hidden)
    this.#pooled = new Float64Array(shape.hidden + heardWidth(shape))
    this.#shared = new Float64Array(shape.hidden)
    this.#unit = new Float64Array(shape.hidden)
  }

  memory(places: number): AgentMemory {
    const length = places * this.shape.hidden
    return { hidden: new Float64Array(length), cell: new Float64Array(length) }
  }

  thought(places: number): AgentThought {
    const { row, hidden, message } = this.shape
    return {
      places,
      rows: new Float32Array(places * row),
      encoded: new Float64Array(places * hidden),
      message: {
        values: new Float64Array(places * message),
        allowed: new Uint8Array(places).fill(1),
        deciding: true,
      },
    }
  }

  /** Encodes the rows of a thought and writes its message. */
  think({ places, rows, encoded, message }: AgentThought): void {
    const { row, hidden, message: width, communication } = this.shape
    const weights = this.#weights
    for (let place = 0; place < places; place++) {
      const at = place * hidden
      encoded.set(weights['encoder.bias']!, at)
      addProduct(rows, place * row, row, weights['encoder.weight']!, encoded, at, hidden)
      for (let unit = at; unit < at + hidden; unit++) if (!(encoded[unit]! > 0)) encoded[unit] = 0
      if (communication === 'none') continue
      const { values } = message
      values.set(weights['message.bias']!, place * width)
      addProduct(encoded, at, hidden, weights['message.weight']!, values, place * width, width)
      for (let unit = place * width; unit < (place + 1) * width; unit++)
        values[unit] = Math.tanh(values[unit]!)
    }
  }

  /**
   * Scores the places; the memory moves on by one decision.
   *
   * @param context what the listener made of the others' messages, `[places, 2·(heard + 1 + 2·message)]`
   * @param scores `[places]`, written; −1e9 where the task may not run
   * @param ratios `[places]`, written by an actor that divides tasks: the share that goes to each place, from 0 to 1
   */
  decide(
    thought: AgentThought,
    context: Float64Array,
    memory: AgentMemory,
    scores: Float64Array,
    ratios?: Float64Array,
  ): void {
    const { places, rows, message } = thought
    const { row, hidden } = this.shape
    const weights = this.#weights
    const width = hidden + heardWidth(this.shape)
    const input = this.#input
    const pooled = this.#pooled.fill(0)
    for (let place = 0; place < places; place++) {
      this.#join(thought, context, place)
      for (let unit = 0; unit < width; unit++) pooled[unit]! += input[unit]! / places
      this.#remember(memory, place)
    }
    const shared = this.#shared
    shared.set(weights['head.bias']!)
    addProduct(pooled, 0, width, weights['head.pooled']!, shared, 0, hidden)
    const divides = this.shape.ratio === true && ratios !== undefined
    for (let place = 0; place < places; place++) {
      if (message.allowed[place] !== 1) {
        scores[place] = -1e9
        if (divides) ratios[place] = 0
        continue
      }
      this.#join(thought, context, place)
      const unit = this.#unit
      unit.set(shared)
      addProduct(input, 0, width, weights['head.input']!, unit, 0, hidden)
      addProduct(memory.hidden, place * hidden, hidden, weights['head.memory']!, unit, 0, hidden)
      scores[place] = headOf(unit, weights['output.weight']!, rows, place * row, weights['skip.weight']!)
      if (!divides) continue
      ratios[place] = sigmoid(
        headOf(unit, weights['ratio.weight']!, rows, place * row, weights['ratio.skip']!),
      )
    }
  }

  #join({ encoded }: AgentThought, context: Float64Array, place: number): void {
    const { hidden } = this.shape
    const heard = heardWidth(this.shape)
    for (let at = 0; at < hidden; at++) this.#input[at] = encoded[place * hidden + at]!
    for (let at = 0; at < heard; at++) this.#input[hidden + at] = context[place * heard + at]!
  }

  #remember({ hidden: state, cell }: AgentMemory, place: number): void {
    const { hidden } = this.shape
    const weights = this.#weights
    const gates = this.#gates
    gates.set(weights['memory.bias']!)
    addProduct(this.#input, 0, this.#input.length, weights['memory.input']!, gates, 0, 4 * hidden)
    addProduct(state, place * hidden, hidden, weights['memory.state']!, gates, 0, 4 * hidden)
    for (let unit = 0; unit < hidden; unit++) {
      const at = place * hidden + unit
      const kept = sigmoid(gates[hidden + unit]!) * cell[at]!
      cell[at] = kept + sigmoid(gates[unit]!) * Math.tanh(gates[3 * hidden + unit]!)
      state[at] = sigmoid(gates[2 * hidden + unit]!) * Math.tanh(cell[at]!)
    }
  }
}

/** A number out of a place's hidden units, those below 0 cut off, and of its row from `rowAt` on. */
function headOf(unit: Numbers, weight: Numbers, rows: Numbers, rowAt: number, skip: Numbers): number {
  let sum = 0
  for (let at = 0; at < unit.length; at++) if (unit[at]! > 0) sum += unit[at]! * weight[at]!
  for (let at = 0; at < skip.length; at++) sum += rows[rowAt + at]! * skip[at]!
  return sum
}
