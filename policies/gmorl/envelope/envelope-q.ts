import { type Adam, compileTrainingStep, type TrainingStep } from '@isthmus/models/autodiff'
import { GraphBuilder } from '@isthmus/models/onnx'
import { TARGET } from '../../slow-copy.ts'
import {
  declareWeights,
  type SetNetworkShape,
  type SetNetworkWeights,
  weightDims,
  writeSetNetwork,
} from '../network/set-network.ts'
import { declareTransitions, LEAST_SHARE } from '../play/transition-inputs.ts'

export const envelopeOptimizer: Adam = { kind: 'adam' }

/** Prefixes of the network that learns and of its slow copy. */
export const ENVELOPE = 'q'
export const ENVELOPE_TARGET = `${TARGET}${ENVELOPE}`

/**
 * One update of Envelope Q-learning (Yang et al. 2019): one network values every objective of every action under every preference,
 * and what follows a step is the best for the preference among all actions and what the policies of other preferences would do.
 * Inputs: those of a TransitionBatch, but `nextRows`, `nextContext` and `nextMask` hold each next state `preferences` times, seen under as many
 * preferences (the first is the transition's own), and the weights of the slow copy under `target.q.NAME`. Output: `loss`.
 *
 * @param homotopy λ: 0 fits the vector, 1 its weighted value alone
 */
export function compileEnvelope(
  shape: SetNetworkShape,
  weights: SetNetworkWeights,
  batch: number,
  places: number,
  preferences: number,
  homotopy: number,
): TrainingStep {
  const objectives = shape.outputs
  const g = new GraphBuilder('envelope-q')
  const dims = declareTransitions(g, shape, [ENVELOPE], { batch, places, views: preferences })
  const op = (name: string, ...inputs: string[]) => g.op(name, inputs)
  const sum = (value: string, axis: number, keepdims = 0) =>
    g.op('ReduceSum', [value, g.ints([axis])], { keepdims })
  declareWeights(g, ENVELOPE, shape, weights)

  // What follows: the vector of the action and preference that the transition's own preference likes best.
  const others = preferences * places
  const next = { rows: 'nextRows', context: 'nextContext', mask: 'nextMask' }
  const vectors = op(
    'Reshape',
    writeSetNetwork(g, ENVELOPE_TARGET, next),
    g.ints([batch, others, objectives]),
  )
  const shares = op('Unsqueeze', 'share', g.ints([1]))
  const open = op('Reshape', 'nextMask', g.ints([batch, others]))
  const away = op('Mul', op('Sub', open, g.scalar(1)), g.scalar(1e9))
  const liked = op('Add', op('Mul', sum(op('Mul', vectors, shares), 2), open), away)
  const best = g.op('Cast', [op('Equal', liked, g.op('ReduceMax', [liked], { axes: [1], keepdims: 1 }))], {
    to: 1,
  })
  const chosen = op('Div', best, sum(best, 1, 1))
  const follows = sum(op('Mul', vectors, op('Unsqueeze', chosen, g.ints([2]))), 1)
  const target = op('Add', 'reward', op('Mul', follows, 'discount'))

  const values = writeSetNetwork(g, ENVELOPE, { rows: 'rows', context: 'context', mask: 'mask' })
  const own = sum(op('Mul', values, op('Unsqueeze', 'taken', g.ints([2]))), 1)
  const error = op('Sub', own, target)
  const square = (value: string) => op('Mul', value, value)
  const mean = (value: string) => g.op('ReduceMean', [value], { keepdims: 0 })
  const counted = op('Mul', error, op('Add', 'share', g.scalar(LEAST_SHARE)))
  const vectorLoss = mean(sum(square(counted), 1))
  const weighedLoss = mean(square(sum(op('Mul', error, 'share'), 1)))
  const loss = op(
    'Add',
    op('Mul', vectorLoss, g.scalar(1 - homotopy)),
    op('Mul', weighedLoss, g.scalar(homotopy)),
  )
  g.output(loss, 'loss', 'float32', [])
  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: dims,
    groups: [{ name: 'q', parameters: Object.keys(weightDims(shape)).map((name) => `${ENVELOPE}.${name}`) }],
    optimizer: envelopeOptimizer,
  })
}
