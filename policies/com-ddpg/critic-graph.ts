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
}

/**
 * Writes the critic: it sees the rows and the actions of all agents, and what each place is asked for by all of them together; a
 * memory goes on over each agent's decisions. The value of all is the sum of the agents' values.
 *
 * @returns value `[steps, sequences, agents]`: minus the cost to come of each agent, in deadlines
 */
export function writeCritic(
  g: GraphBuilder,
  prefix: string,
  { row, hidden }: CriticShape,
  { steps, sequences, agents, places }: SequenceSize,
  { rows, acting, actions }: CriticInputs,
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
  const encoded = op(
    'Relu',
    biased(
      op('Add', product(seen, 'encoder.weight'), op('Mul', chosen, weight('encoder.action'))),
      'encoder.bias',
    ),
  )
  const asked = sum(op('Mul', op('Mul', encoded, chosen), counts), 1, 1)
  // Some ten agents ask at a time: of the size of one.
  const all = product(op('Mul', asked, g.scalar(0.2)), 'place.all')
  const place = op('Relu', biased(op('Add', product(encoded, 'place.own'), all), 'place.bias'))
  const taken = sum(op('Mul', place, chosen), 2, 0)
  const mean = g.op('ReduceMean', [place], { axes: [2], keepdims: 0 })
  const input = g.op('Concat', [taken, mean], { axis: 2 })
  const overTime = (value: string, ...last: number[]) =>
    op('Reshape', value, g.ints([steps, sequences * agents, ...last]))
  const gates = overTime(biased(product(input, 'memory.input'), 'memory.bias'), 1, 4 * hidden)
  const memory = writeMemory(g, weight('memory.state'), gates, overTime(acting, 1, 1), {
    steps,
    rows: sequences * agents,
    places: 1,
    width: hidden,
    burnIn,
  })
  const remembered = op('Reshape', memory, g.ints([many, agents, hidden]))
  const last = op(
    'Relu',
    biased(op('Add', product(input, 'value.input'), product(remembered, 'value.memory')), 'value.bias'),
  )
  const face = sum(op('Mul', product(seen, 'skip.weight'), chosen), 2, 0)
  const value = op('Add', biased(product(last, 'output.weight'), 'output.bias'), face)
  return op('Reshape', value, g.ints([steps, sequences, agents]))
}
