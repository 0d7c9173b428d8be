import {
  float,
  float32Tensor,
  floatAttribute,
  type GraphBuilder,
  intAttribute,
  type Node,
} from '../onnx/index.ts'

/**
 * A BatchNormalization (training_mode 0) whose name begins so answers by the running statistics that it is given, so that an answer
 * depends on its own row alone, and passes its gradient back through the statistics of the batch: batch renormalisation (Ioffe
 * 2017), whose two corrections are held constant.
 */
export const THROUGH_BATCH = 'through_batch'

export const passesThroughBatch = (node: Node): boolean =>
  node.op === 'BatchNormalization' && node.name.startsWith(THROUGH_BATCH)

/** Whether the mean and variance of its batch matter to a node that keeps running averages of them. */
export const usesBatchStatistics = (node: Node): boolean =>
  node.op === 'BatchNormalization' &&
  (intAttribute(node, 'training_mode', 0) === 1 || passesThroughBatch(node))

/** Names of the running mean and variance of a BatchNormalization. */
export const runningAverages = (node: Node): readonly string[] => node.inputs.slice(3, 5)

export const batchMean = (node: Node): string => `${node.outputs[0]}.batch_mean`
export const batchVariance = (node: Node): string => `${node.outputs[0]}.batch_variance`

/**
 * The node as it runs in the training step: with momentum 0 the operator's "running" outputs are the statistics of
 * this batch. ONNX Runtime writes those outputs over the buffers of the running inputs, whoever else reads
 * them or shares their constants (seen in 1.30), so the operator gets buffers of its own; at momentum 0 their contents do not count.
 * A node that passes its gradient through the batch stays as it is; its batch is measured beside it.
 */
export function withBatchStatistics(g: GraphBuilder, node: Node, channels: number): Node {
  const ownBuffers = runningAverages(node).map((name) => g.op('Neg', [name]))
  const [x, ...affine] = node.inputs.slice(0, 3) as [string, string, string]
  const attributes = {
    ...node.attributes,
    training_mode: { type: 'int' as const, value: 1 },
    momentum: float(0),
  }
  const moments = [batchMean(node), batchVariance(node)]
  if (!passesThroughBatch(node))
    return {
      ...node,
      inputs: [x, ...affine, ...ownBuffers],
      outputs: [node.outputs[0]!, ...moments],
      attributes,
    }
  const plain = [1, 0].map((value) => g.constant(float32Tensor(new Float32Array(channels).fill(value))))
  g.ops('BatchNormalization', [x, ...plain, ...ownBuffers], attributes, [
    `${node.outputs[0]}.batch`,
    ...moments,
  ])
  return node
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
