import { type Adam, compileTrainingStep, STOP_GRADIENT, type TrainingStep } from '@isthmus/models/autodiff'
import { float32Tensor, GraphBuilder } from '@isthmus/models/onnx'
import { TARGET } from '../../slow-copy.ts'
import {
  declareWeights,
  type SetNetworkShape,
  type SetNetworkWeights,
  weightDims,
  writeSetNetwork,
} from '../network/set-network.ts'
import { declareTransitions, LEAST_SHARE } from '../play/transition-inputs.ts'

export interface SacOptions {
  /** First temperature α, in units of weighted cost. */
  readonly temperature: number
  /**
   * Entropy that α is tuned for, as a share of the logarithm of the number of valid actions (above 0.89 a policy ends nearly
   * uniform); undefined: α stays.
   */
  readonly entropyTarget?: number
  /** How the two target critics become one: the lower by weighted value, or their mean (arXiv 2209.10081). */
  readonly targets: 'lowest' | 'average'
  /** Greatest step of a value away from its target critic that still counts (Q-clip of the same work); undefined: any. */
  readonly clip?: number
  /** Learning rate of the actor as a share of the critics'. */
  readonly actorRate: number
}

export const sacOptimizer: Adam = { kind: 'adam' }

/** The critics by their prefixes, and how the copies are called that they are measured by. */
export const CRITICS = ['critic1', 'critic2'] as const
export const targetOf = (critic: string): string => `${TARGET}${critic}`

export interface SacNetworks {
  readonly actor: { readonly shape: SetNetworkShape; readonly weights: SetNetworkWeights }
  /** Shape of each critic: `outputs` is the number of objectives. */
  readonly critic: SetNetworkShape
  readonly critics: readonly [SetNetworkWeights, SetNetworkWeights]
}

/**
 * One update of Discrete-SAC (Christodoulou 2019) with vector rewards: twin critics that value every objective of every action,
 * weighed by the preference's shares before the two are compared; expectations over the valid actions are exact, an empty place
 * has probability 0. Inputs: a TransitionBatch, and each weight of the target critics under `target.criticK.NAME`. Outputs
 * beside `loss`: `criticLoss`, `entropy` as a share of its greatest, `temperature`.
 */
export function compileSac(
  { actor, critic, critics }: SacNetworks,
  batch: number,
  places: number,
  options: SacOptions,
): TrainingStep {
  const g = new GraphBuilder('discrete-sac')
  const dims = declareTransitions(g, critic, CRITICS, { batch, places })
  const op = (name: string, ...inputs: string[]) => g.op(name, inputs)
  const fixed = (value: string) => g.op('Identity', [value], {}, g.fresh(STOP_GRADIENT))
  const sum = (value: string, axis: number) => g.op('ReduceSum', [value, g.ints([axis])], { keepdims: 0 })
  const mean = (value: string) => g.op('ReduceMean', [value], { keepdims: 0 })
  const here = { rows: 'rows', context: 'context', mask: 'mask' }
  const next = { rows: 'nextRows', context: 'nextContext', mask: 'nextMask' }
  const shares = op('Unsqueeze', 'share', g.ints([1]))
  /** Objectives weighed: [batch, places, objectives] to [batch, places]. */
  const weighed = (values: string) => sum(op('Mul', values, shares), 2)

  const logTemperature = g.constant(float32Tensor([Math.log(options.temperature)], [1]), 'temperature.log')
  const temperature = op('Exp', logTemperature)
  const alpha = fixed(temperature)

  declareWeights(g, 'actor', actor.shape, actor.weights)
  for (const [at, name] of CRITICS.entries()) declareWeights(g, name, critic, critics[at]!)
  const policyAt = (at: typeof here) => {
    const scores = op('Squeeze', writeSetNetwork(g, 'actor', at), g.ints([2]))
    // Minus a large number instead of minus infinity: 0 · −∞ would be no number.
    const away = op('Mul', op('Sub', at.mask, g.scalar(1)), g.scalar(1e9))
    const logits = op('Add', op('Div', op('Mul', scores, at.mask), g.scalar(options.temperature)), away)
    const logs = op('Mul', g.op('LogSoftmax', [logits], { axis: -1 }), at.mask)
    return { logs, probabilities: op('Mul', op('Exp', logs), at.mask) }
  }

  // Targets: what the next state is worth under the policy, by the slow copies of the critics.
  const later = policyAt(next)
  const slow = CRITICS.map((name) => writeSetNetwork(g, targetOf(name), next))
  const bonus = op('Unsqueeze', op('Mul', later.logs, alpha), g.ints([2]))
  const soft = op('Sub', oneOfTwo(slow as [string, string]), bonus)
  const expected = sum(op('Mul', soft, op('Unsqueeze', later.probabilities, g.ints([2]))), 1)
  const target = fixed(op('Add', 'reward', op('Mul', expected, 'discount')))

  // Critics: squared error of the values of the action that was taken.
  const counts = op('Add', 'share', g.scalar(LEAST_SHARE))
  const taken = op('Unsqueeze', 'taken', g.ints([2]))
  const values = CRITICS.map((name) => writeSetNetwork(g, name, here))
  const errors = values.map((value, at) => {
    const own = sum(op('Mul', value, taken), 1)
    const square = (difference: string) => {
      const counted = op('Mul', difference, counts)
      return op('Mul', counted, counted)
    }
    const error = square(op('Sub', own, target))
    if (options.clip === undefined) return mean(sum(error, 1))
    const anchor = sum(op('Mul', writeSetNetwork(g, targetOf(CRITICS[at]!), here), taken), 1)
    const moved = op('Clip', op('Sub', own, anchor), g.scalar(-options.clip), g.scalar(options.clip))
    return mean(sum(op('Max', error, square(op('Sub', op('Add', anchor, moved), target))), 1))
  })
  const criticLoss = g.op('Add', errors, {}, 'criticLoss')

  // Actor: the exact expectation of temperature · log π − value.
  const now = policyAt(here)
  const lowest = op('Min', ...values.map(weighed))
  const worth = fixed(
    options.targets === 'average' ? op('Mul', op('Add', ...values.map(weighed)), g.scalar(0.5)) : lowest,
  )
  const regret = op('Sub', op('Mul', now.logs, alpha), worth)
  const actorLoss = mean(sum(op('Mul', now.probabilities, regret), 1))

  const count = g.op('ReduceSum', ['mask', g.ints([1])], { keepdims: 0 })
  const most = op('Log', count)
  const entropy = op('Neg', sum(op('Mul', now.probabilities, now.logs), 1))
  const reached = g.op('Div', [mean(entropy), mean(most)], {}, 'entropy')
  const parts = [criticLoss, actorLoss]
  if (options.entropyTarget !== undefined) {
    const surplus = fixed(mean(op('Sub', entropy, op('Mul', most, g.scalar(options.entropyTarget)))))
    parts.push(g.op('Squeeze', [op('Mul', logTemperature, surplus), g.ints([0])]))
  }
  let loss = parts[0]!
  for (const part of parts.slice(1)) loss = op('Add', loss, part)
  g.output(loss, 'loss', 'float32', [])
  g.output(criticLoss, 'criticLoss', 'float32', [])
  g.output(reached, 'entropy', 'float32', [])
  g.output(temperature, 'temperature', 'float32', [1])

  const named = (prefix: string, shape: SetNetworkShape) =>
    Object.keys(weightDims(shape)).map((name) => `${prefix}.${name}`)
  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: dims,
    outputs: ['criticLoss', 'entropy', 'temperature'],
    groups: [
      { name: 'critics', parameters: CRITICS.flatMap((name) => named(name, critic)) },
      { name: 'actor', parameters: named('actor', actor.shape), rateScale: options.actorRate },
      ...(options.entropyTarget === undefined
        ? []
        : [{ name: 'temperature', parameters: ['temperature.log'] }]),
    ],
    optimizer: sacOptimizer,
  })

  function oneOfTwo([first, second]: [string, string]): string {
    if (options.targets === 'average') return op('Mul', op('Add', first, second), g.scalar(0.5))
    const lower = op('Unsqueeze', op('LessOrEqual', weighed(first), weighed(second)), g.ints([2]))
    return op('Where', lower, first, second)
  }
}
