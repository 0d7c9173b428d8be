import { type Adam, compileTrainingStep, type TrainingStep } from '@isthmus/models/autodiff'
import { GraphBuilder } from '@isthmus/models/onnx'
import {
  declareWeights,
  type SetNetworkShape,
  type SetNetworkWeights,
  weightDims,
  writeSetNetwork,
} from '../network/set-network.ts'

export const imitationOptimizer: Adam = { kind: 'adam' }

/** Errors beyond it count linearly (Huber 1964), where a stage does not say: few futures make for wild values now and then. */
const WILD = 1
const WEIGHT_DECAY = 1e-4

/**
 * The training step that makes a policy's scores the teacher's values, up to what all that it tried in a state have in common.
 * Inputs: `rows`, `context`, `mask`, `values`, `valued` as {@link LabelBatches.draw} gives them.
 */
export function compileImitation(
  shape: SetNetworkShape,
  weights: SetNetworkWeights,
  batch: number,
  places: number,
  wild = WILD,
): TrainingStep {
  const g = new GraphBuilder('imitation')
  const dims = {
    rows: [batch, places, shape.rowLength],
    context: [batch, shape.contextLength],
    mask: [batch, places],
    values: [batch, places],
    valued: [batch, places],
  }
  for (const [name, of] of Object.entries(dims)) g.input(name, 'float32', of)
  declareWeights(g, 'actor', shape, weights)
  const network = { rows: 'rows', context: 'context', mask: 'mask' }
  const scores = g.op('Squeeze', [writeSetNetwork(g, 'actor', network), g.ints([2])])
  const count = g.op('ReduceSum', ['valued', g.ints([1])], { keepdims: 1 })
  const error = g.op('Mul', [g.op('Sub', [scores, 'values']), 'valued'])
  const common = g.op('Div', [g.op('ReduceSum', [error, g.ints([1])], { keepdims: 1 }), count])
  const size = g.op('Abs', [g.op('Mul', [g.op('Sub', [error, common]), 'valued'])])
  const tame = g.op('Min', [size, g.scalar(wild)])
  const huber = g.op('Mul', [tame, g.op('Sub', [size, g.op('Mul', [tame, g.scalar(0.5)])])])
  const total = g.op('ReduceSum', [huber, g.ints([0, 1])], { keepdims: 0 })
  g.output(g.op('Mul', [total, g.scalar(1 / batch)]), 'loss', 'float32', [])
  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: dims,
    groups: [
      {
        name: 'actor',
        // What all candidates have in common changes nothing, and has no gradient.
        parameters: Object.keys(weightDims(shape)).map((name) => `actor.${name}`),
        weightDecay: WEIGHT_DECAY,
      },
    ],
    optimizer: imitationOptimizer,
  })
}
