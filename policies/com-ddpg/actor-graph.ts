import { float32Tensor, type GraphBuilder } from '@isthmus/models/onnx'
import { type ActorShape, type ActorWeights, actorDims } from './actor-shape.ts'
import { writeAttention, writeBidirectional, writeSilence } from './communication-graph.ts'
import { writeMemory } from './memory-graph.ts'

/** Sizes of a batch of sequences: times, sequences, agents, places. */
export interface SequenceSize {
  readonly steps: number
  readonly sequences: number
  readonly agents: number
  readonly places: number
}

/** Values of a graph that an actor reads. */
export interface ActorInputs {
  /** `[steps, sequences, agents, places, row]` */
  readonly rows: string
  /** `[steps, sequences, agents]`, 1: decides in that round */
  readonly acting: string
  /** The same, 1: the others hear its message. */
  readonly heard: string
  /** `[steps, sequences, agents, places]`, 1: may run there */
  readonly allowed: string
}

/** Values of a graph that an actor writes. */
export interface ActorOutputs {
  /** `[steps, sequences, agents, places]`: −1e9 where a task may not run */
  readonly scores: string
  /** The same, from 0 to 1: share of a task that goes to the place, of an actor that divides tasks; 0 where it may not run. */
  readonly ratios: string | undefined
}

/** Puts weights into a graph, as initialisers `prefix.name`. */
export function declareActor(
  g: GraphBuilder,
  prefix: string,
  shape: ActorShape,
  weights: ActorWeights,
): void {
  for (const [name, dims] of Object.entries(actorDims(shape))) {
    g.constant(float32Tensor(weights.get(name)!, dims), `${prefix}.${name}`)
  }
}

/**
 * Writes the actor into a graph that holds its weights under `prefix.name`: each place's row is encoded, messages pass along the
 * row of agents both ways, a memory goes on over the rounds in which an agent decides, a head scores the places. All weights
 * are shared by agents and by places, so either may change in number.
 *
 * @param burnIn rounds at the beginning that only warm up the memory: no gradient goes through them
 */
export function writeActor(
  g: GraphBuilder,
  prefix: string,
  shape: ActorShape,
  size: SequenceSize,
  { rows, acting, heard, allowed }: ActorInputs,
  burnIn: number,
): ActorOutputs {
  const { steps, sequences, agents, places } = size
  const op = (name: string, ...inputs: string[]) => g.op(name, inputs)
  const weight = (name: string) => `${prefix}.${name}`
  const product = (value: string, name: string) => op('MatMul', value, weight(name))
  const biased = (value: string, name: string) => op('Add', value, weight(name))
  const many = steps * sequences
  const flat = (value: string, last: number) => op('Reshape', value, g.ints([many, agents, places, last]))
  const seen = flat(rows, shape.row)
  const encoded = op('Relu', biased(product(seen, 'encoder.weight'), 'encoder.bias'))
  const agentsHeard = op('Reshape', heard, g.ints([many, agents, 1, 1]))
  const mayRun = flat(allowed, 1)
  const context = communicate()
  const input = g.op('Concat', [encoded, context], { axis: 3 })
  const decides = op('Reshape', acting, g.ints([steps, sequences * agents, 1, 1]))
  const overTime = (value: string, width: number) =>
    op('Reshape', value, g.ints([steps, sequences * agents, places, width]))
  const gates = overTime(biased(product(input, 'memory.input'), 'memory.bias'), 4 * shape.hidden)
  const memory = flat(
    writeMemory(g, weight('memory.state'), gates, decides, {
      steps,
      rows: sequences * agents,
      places,
      width: shape.hidden,
      burnIn,
    }),
    shape.hidden,
  )
  const pooled = g.op('ReduceMean', [input], { axes: [2], keepdims: 1 })
  const hidden = op(
    'Relu',
    biased(
      op(
        'Add',
        op('Add', product(input, 'head.input'), product(memory, 'head.memory')),
        product(pooled, 'head.pooled'),
      ),
      'head.bias',
    ),
  )
  const headOf = (weight: string, skip: string) => op('Add', product(hidden, weight), product(seen, skip))
  const scores = headOf('output.weight', 'skip.weight')
  const away = op('Mul', op('Sub', mayRun, g.scalar(1)), g.scalar(1e9))
  const byPlace = (value: string) => op('Reshape', value, g.ints([steps, sequences, agents, places]))
  return {
    scores: byPlace(op('Add', op('Mul', scores, mayRun), away)),
    ratios: shape.ratio && byPlace(op('Mul', op('Sigmoid', headOf('ratio.weight', 'ratio.skip')), mayRun)),
  }

  function communicate(): string {
    if (shape.communication === 'none') return writeSilence(g, shape, [many, agents, places])
    const messages = op('Tanh', biased(product(encoded, 'message.weight'), 'message.bias'))
    const write = shape.communication === 'bidirectional' ? writeBidirectional : writeAttention
    const agentsDecide = op('Reshape', acting, g.ints([many, agents, 1, 1]))
    const told = { messages, heard: agentsHeard, decides: agentsDecide, mayRun }
    return write(g, prefix, shape, { many, agents, places }, told)
  }
}
