import { type Adam, compileTrainingStep, type TrainingStep } from '@isthmus/models/autodiff'
import { GraphBuilder } from '@isthmus/models/onnx'
import { TARGET } from '../slow-copy.ts'
import { declareActor, type SequenceSize, writeActor } from './actor-graph.ts'
import { type ActorShape, type ActorWeights, actorDims } from './actor-shape.ts'
import { type CriticInputs, declareCritic, writeCritic } from './critic-graph.ts'
import { type CriticShape, criticDims } from './critic-shape.ts'
import { sequenceDims } from './imitation.ts'
import { fixed } from './stop-gradient.ts'

export const comDdpgOptimizer: Adam = { kind: 'adam' }

export interface ComDdpgOptions {
  /** Rounds at the beginning of each sequence that only warm up the memories. */
  readonly burnIn: number
  /** What a cost one decision later counts. */
  readonly discount: number
  /** Temperature of the softmax that stands for a choice (Jang et al. 2017). */
  readonly temperature: number
  /** Learning rate of the actor as a share of the critic's. */
  readonly actorRate: number
}

export interface ComDdpgNetworks {
  readonly actor: { readonly shape: ActorShape; readonly weights: ActorWeights }
  readonly critic: { readonly shape: CriticShape; readonly weights: ActorWeights }
}

/**
 * One update of a Com-DDPG-style learner, our reconstruction of arXiv 2012.05105 (deterministic policy gradient, Lillicrap et al.
 * 2016, with recurrent actor and critic as Heess et al. 2015): the critic learns from all agents' rows and actions
 * what each agent's choices will cost; the actor's choices, softened so that they have a gradient, go up the sum of those values. Inputs: a
 * SequenceBatch without `taught`; `noise` `[steps, sequences, agents, places]`, Gumbel's; `actorWeight`, a scalar, 0
 * while only the critic learns; and the slow copies' weights under `target.`. Agents that divide tasks: the ratio of each place is part of the
 * action, `divides` and `ratios` are read as well. Outputs beside `loss`: `criticLoss`, `value`.
 */
export function compileComDdpg(
  { actor, critic }: ComDdpgNetworks,
  size: SequenceSize,
  { burnIn, discount, temperature, actorRate }: ComDdpgOptions,
): TrainingStep {
  const { steps, sequences, agents, places } = size
  const g = new GraphBuilder('com-ddpg')
  const choices = [steps, sequences, agents, places]
  const dims: Record<string, readonly number[]> = {
    ...sequenceDims(size, actor.shape.row),
    taken: choices,
    cost: [steps, sequences, agents],
    last: [steps, sequences],
    noise: choices,
    actorWeight: [],
    ...(actor.shape.ratio && { divides: choices, ratios: choices }),
    ...slow('actor', actorDims(actor.shape)),
    ...slow('critic', criticDims(critic.shape)),
  }
  for (const [name, of] of Object.entries(dims)) g.input(name, 'float32', of)
  declareActor(g, 'actor', actor.shape, actor.weights)
  declareCritic(g, 'critic', critic.shape, critic.weights)
  const op = (name: string, ...inputs: string[]) => g.op(name, inputs)
  const inputs = { rows: 'rows', acting: 'acting', heard: 'heard', allowed: 'allowed' }
  const at = (value: string, from: number, to: number) =>
    op('Slice', value, g.ints([from]), g.ints([to]), g.ints([0]))
  const total = (value: string) => g.op('ReduceSum', [value, g.ints([0, 1, 2])], { keepdims: 0 })
  const soft = (scores: string) => {
    const warm = op('Div', scores, g.scalar(temperature))
    return op('Mul', g.op('Softmax', [warm], { axis: -1 }), 'allowed')
  }
  const acts = (prefix: string, noise?: string): Action => {
    const { scores, ratios } = writeActor(g, prefix, actor.shape, size, inputs, burnIn)
    return {
      actions: soft(noise ? op('Add', scores, noise) : scores),
      ratios: ratios && divided(ratios),
    }
  }
  // Where a ratio does not count it is 1, as in the batch.
  const divided = (ratios: string) =>
    op('Add', op('Mul', op('Sub', ratios, g.scalar(1)), 'divides'), g.scalar(1))
  const valued = (prefix: string, action: Action) =>
    writeCritic(g, prefix, critic.shape, size, { rows: 'rows', acting: 'acting', ...action }, burnIn)

  // Targets: what comes after each decision, by the slow copies.
  const worth = valued(`${TARGET}critic`, acts(`${TARGET}actor`))
  const { next, known } = writeNextValues(g, worth, 'acting', 'last', size)
  const target = fixed(g, op('Sub', op('Mul', next, g.scalar(discount)), 'cost'))

  const fromBurnIn = (value: string) => at(value, burnIn, steps)
  const counts = fromBurnIn(op('Mul', 'acting', known))
  const taken: Action = { actions: 'taken', ratios: actor.shape.ratio && 'ratios' }
  const error = op('Sub', fromBurnIn(valued('critic', taken)), fromBurnIn(target))
  const criticLoss = g.op(
    'Div',
    [total(op('Mul', op('Mul', error, error), counts)), op('Add', total(counts), g.scalar(1e-6))],
    {},
    'criticLoss',
  )

  // The actor goes up the critic, which stands still for it.
  for (const name of Object.keys(criticDims(critic.shape))) {
    g.op('Identity', [fixed(g, `critic.${name}`)], {}, `still.${name}`)
  }
  const choice = acts('actor', 'noise')
  const decided = fromBurnIn('acting')
  const value = g.op(
    'Div',
    [
      total(op('Mul', fromBurnIn(valued('still', choice)), decided)),
      op('Add', total(decided), g.scalar(1e-6)),
    ],
    {},
    'value',
  )
  g.output(op('Sub', criticLoss, op('Mul', value, 'actorWeight')), 'loss', 'float32', [])
  g.output(criticLoss, 'criticLoss', 'float32', [])
  g.output(value, 'value', 'float32', [])
  const named = (prefix: string, of: Record<string, unknown>) =>
    Object.keys(of).map((name) => `${prefix}.${name}`)
  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: dims,
    outputs: ['criticLoss', 'value'],
    groups: [
      { name: 'critic', parameters: named('critic', criticDims(critic.shape)) },
      { name: 'actor', parameters: named('actor', actorDims(actor.shape)), rateScale: actorRate },
    ],
    optimizer: comDdpgOptimizer,
  })
}

/** Values of a graph that say what agents do. */
type Action = Pick<CriticInputs, 'actions' | 'ratios'>

const slow = (prefix: string, dims: Record<string, readonly number[]>) =>
  Object.fromEntries(Object.entries(dims).map(([name, of]) => [`${TARGET}${prefix}.${name}`, of]))

/**
 * What each agent's next decision is worth: that of the round in which it decides next, 0 after the last round of an episode.
 *
 * @returns values `[steps, sequences, agents]`: `next`, and `known`, 0 where the sequence ends before that decision
 */
function writeNextValues(
  g: GraphBuilder,
  worth: string,
  acting: string,
  last: string,
  { steps, sequences }: SequenceSize,
): { next: string; known: string } {
  const op = (name: string, ...inputs: string[]) => g.op(name, inputs)
  const row = (value: string, step: number) =>
    op('Slice', value, g.ints([step]), g.ints([step + 1]), g.ints([0]))
  const ends = op('Reshape', last, g.ints([steps, sequences, 1]))
  let value = op('Mul', row(worth, 0), g.scalar(0))
  let certain = value
  const next: string[] = []
  const known: string[] = []
  for (let step = steps - 1; step >= 0; step--) {
    const end = row(ends, step)
    const goesOn = op('Sub', g.scalar(1), end)
    const after = op('Mul', value, goesOn)
    const sure = op('Add', op('Mul', certain, goesOn), end)
    next.unshift(after)
    known.unshift(sure)
    const acts = row(acting, step)
    const waits = op('Sub', g.scalar(1), acts)
    value = op('Add', op('Mul', row(worth, step), acts), op('Mul', after, waits))
    certain = op('Add', acts, op('Mul', sure, waits))
  }
  return { next: g.op('Concat', next, { axis: 0 }), known: g.op('Concat', known, { axis: 0 }) }
}
