import {
  float,
  float32Tensor,
  float32Values,
  GraphBuilder,
  type Model,
  type Node,
  writeModel,
} from '../onnx/index.ts'
import { openSession, type Tensor } from '../runtime/index.ts'
import { adaptError } from './errors.ts'
import { plainWeights } from './plain-weights.ts'

const EPSILON = 1e-5

/**
 * Gives a network back the normalisations that its exporter worked into the convolutions: the same function, now with layers that
 * can be adapted. Behind each convolution with a bias comes a BatchNormalization whose mean and variance are those of that
 * convolution's outputs over `inputs`, whose scale undoes the variance and whose shift is the mean plus the old bias.
 *
 * @param inputs batches of the network's only input, as it was trained on: some thousand images give steady statistics
 * @throws NO_NORMALISATION when no convolution has a constant bias
 */
export async function unfoldBatchNorm(model: Model, inputs: Iterable<Tensor>): Promise<Model> {
  const plain = plainWeights(model)
  const { graph } = plain
  const convs = graph.nodes.filter(
    ({ op, inputs: names }) => op === 'Conv' && names[2] !== undefined && graph.initializers.has(names[2]),
  )
  if (convs.length === 0)
    throw adaptError('NO_NORMALISATION', `Graph "${graph.name}" has no convolution with a constant bias`)
  const moments = await momentsOf(plain, convs, inputs)
  const initializers = new Map(graph.initializers)
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const at = convs.indexOf(node)
    if (at < 0) return [node]
    const output = node.outputs[0]!
    const raw = `${output}.raw`
    const { mean, variance } = moments[at]!
    const bias = float32Values(graph.initializers.get(node.inputs[2]!)!)
    const part = (kind: string, values: Float32Array): string => {
      initializers.set(`${output}.${kind}`, float32Tensor(values))
      return `${output}.${kind}`
    }
    // The moments were taken with the bias on; without it the mean is lower by as much.
    const norm: Node = {
      name: `${output}.norm`,
      op: 'BatchNormalization',
      domain: '',
      inputs: [
        raw,
        part(
          'scale',
          variance.map((value) => Math.sqrt(value + EPSILON)),
        ),
        part('shift', mean),
        part(
          'mean',
          mean.map((value, channel) => value - bias[channel]!),
        ),
        part('variance', variance),
      ],
      outputs: [output],
      attributes: { epsilon: float(EPSILON) },
    }
    return [{ ...node, inputs: node.inputs.slice(0, 2), outputs: [raw] }, norm]
  })
  for (const conv of convs) initializers.delete(conv.inputs[2]!)
  return { ...plain, graph: { ...graph, nodes, initializers } }
}

/** Mean and variance of each channel of what the convolutions make. */
async function momentsOf(model: Model, convs: readonly Node[], inputs: Iterable<Tensor>) {
  const session = await openSession(writeModel(withMoments(model, convs)))
  const [input] = session.inputs
  const sums = convs.map(() => ({ mean: [] as number[], square: [] as number[] }))
  let rows = 0
  try {
    for (const batch of inputs) {
      const weight = batch.dims[0]!
      const values = await session.run({ [input!.name]: batch })
      convs.forEach((_, at) => {
        for (const kind of ['mean', 'square'] as const) {
          const sum = sums[at]![kind]
          const part = values[`${kind}.${at}`]!.data as Float32Array
          for (let channel = 0; channel < part.length; channel++)
            sum[channel] = (sum[channel] ?? 0) + weight * part[channel]!
        }
      })
      rows += weight
    }
  } finally {
    await session.dispose()
  }
  if (rows === 0) throw adaptError('NO_NORMALISATION', 'There is no image to take statistics from')
  return sums.map(({ mean, square }) => ({
    mean: Float32Array.from(mean, (sum) => sum / rows),
    variance: Float32Array.from(square, (sum, channel) =>
      Math.max(1e-12, sum / rows - (mean[channel]! / rows) ** 2),
    ),
  }))
}

/** The network with the mean and the mean square of each convolution's channels as its outputs. */
function withMoments(model: Model, convs: readonly Node[]): Model {
  const { graph } = model
  const g = new GraphBuilder('moments', model.opsets[''] ?? 17, 'moments/')
  for (const { name, dtype, dims } of graph.inputs) g.input(name, dtype, dims ?? [])
  for (const [name, tensor] of graph.initializers) g.constant(tensor, name)
  for (const node of graph.nodes) g.node(node)
  const axes = [0, 2, 3]
  // From operator set 18 on, the axes are an input.
  const average = (x: string): string =>
    (model.opsets[''] ?? 17) < 18
      ? g.op('ReduceMean', [x], { axes, keepdims: 0 })
      : g.op('ReduceMean', [x, g.ints(axes)], { keepdims: 0 })
  convs.forEach((conv, at) => {
    const value = conv.outputs[0]!
    g.output(average(value), `mean.${at}`)
    g.output(average(g.op('Mul', [value, value])), `square.${at}`)
  })
  return g.build()
}
