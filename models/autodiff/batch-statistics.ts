import {
  float,
  float32Tensor,
  floatAttribute,
  type GraphBuilder,
  intAttribute,
  type Node,
} from '../onnx/index.ts'

/** Whether a node normalises by the mean and variance of its batch and keeps running averages of them. */
export const usesBatchStatistics = (node: Node): boolean =>
  node.op === 'BatchNormalization' && intAttribute(node, 'training_mode', 0) === 1

/** Names of the running mean and variance of a BatchNormalization. */
export const runningAverages = (node: Node): readonly string[] => node.inputs.slice(3, 5)

const batchMean = (node: Node): string => `${node.outputs[0]}.batch_mean`
const batchVariance = (node: Node): string => `${node.outputs[0]}.batch_variance`

/**
 * The node as it runs in the training step: with momentum 0 the operator's "running" outputs are the statistics of
 * this batch. ONNX Runtime writes those outputs over the buffers of the running inputs, whoever else reads
 * them or shares their constants (seen in 1.30), so the operator gets buffers of its own; at momentum 0 their contents do not count.
 */
export function withBatchStatistics(g: GraphBuilder, node: Node): Node {
  const ownBuffers = runningAverages(node).map((name) => g.op('Neg', [name]))
  return {
    ...node,
    inputs: [...node.inputs.slice(0, 3), ...ownBuffers],
    outputs: [node.outputs[0]!, batchMean(node), batchVariance(node)],
    attributes: { ...node.attributes, momentum: float(0) },
  }
}

/**
 * Writes the running averages after this batch, with the momentum of the original node. The variance of the batch
 * enters unbiased (divided by n − 1), as the running averages stand for the variance of the population.
 */
export function updatedAverages(g: GraphBuilder, node: Node, inputDims: readonly number[]): string[] {
  const momentum = floatAttribute(node, 'momentum', 0.9)
  const count = inputDims.reduce((product, dim) => product * dim, 1) / inputDims[1]!
  const average = (running: string, batch: string, factor: number) =>
    g.op('Add', [
      g.op('Mul', [running, g.scalar(momentum)]),
      g.op('Mul', [batch, g.constant(float32Tensor([(1 - momentum) * factor], []))]),
    ])
  const [mean, variance] = runningAverages(node) as [string, string]
  return [
    average(mean, batchMean(node), 1),
    average(variance, batchVariance(node), count / Math.max(1, count - 1)),
  ]
}
