import { GraphBuilder, type Model, readModel, writeModel } from '@isthmus/models/onnx'
import { policyError } from '../../errors.ts'
import type { PolicyNetwork } from '../collect/collector-jobs.ts'
import { declareWeights, type SetNetworkShape, weightDims, writeSetNetwork } from './set-network.ts'

const PREFIX = 'policy'

/**
 * The network as an ONNX model: `rows [batch, candidates, rowLength]`, `context [batch, contextLength]`, `mask [batch, candidates]`
 * to `scores [batch, candidates, 1]`. Highest score wins.
 */
export function policyModel({ shape, weights }: PolicyNetwork): Uint8Array {
  const g = new GraphBuilder('gmorl-policy')
  g.input('rows', 'float32', ['batch', 'candidates', shape.rowLength])
  g.input('context', 'float32', ['batch', shape.contextLength])
  g.input('mask', 'float32', ['batch', 'candidates'])
  declareWeights(g, PREFIX, shape, weights)
  const scores = writeSetNetwork(g, PREFIX, { rows: 'rows', context: 'context', mask: 'mask' })
  g.output(scores, 'scores', 'float32', ['batch', 'candidates', shape.outputs])
  return writeModel(g.build())
}

/** Takes the weights out of {@link policyModel}'s bytes. Throws IsthmusError `BAD_POLICY` that names the weight. */
export function networkOf(bytes: Uint8Array, shape: SetNetworkShape): PolicyNetwork {
  const { graph } = parsed(bytes)
  const weights = new Map<string, Float32Array>()
  for (const [name, dims] of Object.entries(weightDims(shape))) {
    const tensor = graph.initializers.get(`${PREFIX}.${name}`)
    if (tensor?.dtype !== 'float32' || tensor.dims.join() !== dims.join()) {
      throw policyError(
        'BAD_POLICY',
        `model: weight ${name} is ${tensor?.dims.join(' × ') ?? 'absent'}, not ${dims.join(' × ')}`,
      )
    }
    const values = new Float32Array(tensor.bytes.slice().buffer)
    if (!values.every(Number.isFinite)) throw policyError('BAD_POLICY', `model: weight ${name} is not finite`)
    weights.set(name, values)
  }
  return { shape, weights }
}

function parsed(bytes: Uint8Array): Model {
  try {
    return readModel(bytes)
  } catch (error) {
    throw policyError('BAD_POLICY', `model: no ONNX model: ${(error as Error).message}`)
  }
}
