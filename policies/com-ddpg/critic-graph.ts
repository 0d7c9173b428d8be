import { float32Tensor, type GraphBuilder } from '@isthmus/models/onnx'
import type { SequenceSize } from './actor-graph.ts'
import type { ActorWeights } from './actor-shape.ts'
import { type CriticShape, criticDims } from './critic-shape.ts'
import { writeMemory } from './memory-graph.ts'

export function declareCritic(
  g: GraphBuilder,
  prefix: string,
  shape: CriticShape,
  weights: ActorWeights,
): void {
  for (const [name, dims] of Object.entries(criticDims(shape))) {
    g.constant(float32Tensor(weights.get(name)!, dims), `${prefix}.${name}`)
  }
}

/** Values of a graph that a critic reads. */
export interface CriticInputs {
  /** `[steps, sequences, agents, places, row]` */
  readonly rows: string
  /** `[steps, sequences, agents]` */
  readonly acting: string
  /** `[steps, sequences, agents, places]`: probability of each place, or 1 for the one that was taken */
  readonly actions: string
  /** The same, of a critic that sees them: share of the task that would go to each place. */
  readonly ratios?: string | undefined
}

/**
 * Writes the critic: for each agent and place what taking it is worth, by its row, by what the other agents ask of the place, and by a
 * memory that goes on over the agent's decisions; the agent's value is that of the places by their probabilities. So it
 * is linear in the agent's own action, whose gradient is then right for a choice among few, and sees all others' actions. The share of a
 * task that would go to a place is encoded with the place's row: its gradient is that of what the place is worth, and others see it in what
 * is asked of the place. The value of all is the sum of the agents' values.
 *
 * @returns value `[steps, sequences, agents]`: minus the cost to come of each agent, in deadlines
 */
export function writeCritic(
  g: GraphBuilder,
  prefix: string,
  { row, hidden, ratio }: CriticShape,
  { steps, sequences, agents, places }: SequenceSize,
  { rows, acting, actions, ratios }: CriticInputs,
  burnIn: number,
): string {
  const op = (name: string, ...inputs: string[]) => g.op(name, inputs)
  const weight = (name: string) => `${prefix}.${name}`
  const product = (value: string, name: string) => op('MatMul', value, weight(name))
  const biased = (value: string, name: string) => op('Add', value, weight(name))
  const many = steps * sequences
  const seen = op('Reshape', rows, g.ints([many, agents, places, row]))
  const chosen = op('Reshape', actions, g.ints([many, agents, places, 1]))
  const counts = op('Reshape', acting, g.ints([many, agents, 1, 1]))
  const sum = (value: string, axis: number, keepdims: 0 | 1) =>
    g.op('ReduceSum', [value, g.ints([axis])], { keepdims })
  const ofRow = biased(product(seen, 'encoder.weight'), 'encoder.bias')
  const sent = ratio && op('Reshape', ratios!, g.ints([many, agents, places, 1]))
  const encoded = op('Relu', sent ? op('Add', ofRow, product(sent, 'encoder.ratio')) : ofRow)
  const asked = op('Mul', op('Mul', encoded, chosen), counts)
  const byOthers = op('Sub', sum(asked, 1, 1), asked)
  // Own devices are nobody else's.
  const servers = Float32Array.from({ length: places }, (_, place) => (place === 0 ? 0 : 1))
  const shared = op('Mul', byOthers, g.constant(float32Tensor(servers, [1, 1, places, 1])))
  const place = op(
    'Relu',
    biased(op('Add', product(encoded, 'place.own'), product(shared, 'place.all')), 'place.bias'),
  )
  const mean = g.op('ReduceMean', [place], { axes: [2], keepdims: 0 })
  const gates = op(
    'Reshape',
    biased(product(mean, 'memory.input'), 'memory.bias'),
    g.ints([steps, sequences * agents, 1, 4 * hidden]),
  )
  const size = { steps, rows: sequences * agents, places: 1, width: hidden, burnIn }
  const decides = op('Reshape', acting, g.ints([steps, sequences * agents, 1, 1]))
  const memory = op(
    'Reshape',
    writeMemory(g, weight('memory.state'), gates, decides, size),
    g.ints([many, agents, 1, hidden]),
  )
  const last = op(
    'Relu',
    biased(op('Add', product(place, 'value.input'), product(memory, 'value.memory')), 'value.bias'),
  )
  const worth = op('Add', biased(product(last, 'output.weight'), 'output.bias'), product(seen, 'skip.weight'))
  return op('Reshape', sum(op('Mul', worth, chosen), 2, 0), g.ints([steps, sequences, agents]))
}
