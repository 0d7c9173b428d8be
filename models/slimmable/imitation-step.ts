import { compileTrainingStep, type Optimizer, type TrainingStep } from '../autodiff/index.ts'
import { seededRandom } from '../data/index.ts'
import { embedModel, NetBuilder, slimmableEncoder } from '../nets/index.ts'
import { GraphBuilder, type Model } from '../onnx/index.ts'
import type { Family } from './family.ts'

/** What the imitation's state is made for. */
export const imitationOptimizer: Optimizer = { kind: 'adam' }

/**
 * The encoder alone learns, at all its widths, to give what another head gives for the same image: cheap, since no server part takes
 * part in it. Input: `input` [batch,3,32,32]; `head` takes such images by the same name.
 */
export function imitationStep(family: Family, head: Model, seed: number): TrainingStep {
  const { name, batch, widths, encoder, plane } = family
  const g = new GraphBuilder(`${name}-imitation`, 17)
  const dims = [batch, 3, 32, 32]
  const input = g.input('input', 'float32', dims)
  const [wanted] = embedModel(g, head, { input }, 'student/') as [string]
  const net = new NetBuilder('encoder', { random: seededRandom(seed), training: true, graph: g })
  const values = batch * encoder.latent * plane[0] * plane[1]
  const errors = widths.map(({ width }) =>
    net.squaredError(slimmableEncoder(net, input, encoder, width), wanted, values),
  )
  g.output(
    errors.reduce((sum, error) => net.add(sum, error)),
    'loss',
  )
  return compileTrainingStep(g.build(), {
    loss: 'loss',
    inputDims: { input: dims },
    optimizer: imitationOptimizer,
    groups: [
      { name: 'kernels', parameters: net.kernels },
      { name: 'vectors', parameters: net.vectors },
    ],
  })
}
