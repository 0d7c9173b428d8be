import { describeNode, floatAttribute, intAttribute, type Model, type Node } from '../onnx/index.ts'
import { adaptError } from './errors.ts'

/** A BatchNormalization of a network, and where its channels lie in vectors that hold all layers end to end. */
export interface NormLayer {
  /** Name of the value that the layer makes: unique in its network. */
  readonly name: string
  readonly channels: number
  readonly offset: number
  readonly epsilon: number
  /** Names of its four initialisers. */
  readonly scale: string
  readonly shift: string
  readonly mean: string
  readonly variance: string
}

/** The normalisation layers of a network in the order in which they run. */
export interface NormLayout {
  readonly layers: readonly NormLayer[]
  /** Of all layers together. */
  readonly channels: number
}

/** A normalisation by stored statistics: what can be adapted. */
export const isNorm = (node: Node): boolean =>
  node.op === 'BatchNormalization' && node.domain === '' && intAttribute(node, 'training_mode', 0) === 0

/**
 * Finds the layers of a network that adaptation may change. Throws NO_NORMALISATION when there are none (exporters often work
 * them into the convolutions), or when their parameters are not float32 constants of their own.
 */
export function normLayoutOf(model: Model): NormLayout {
  const { graph } = model
  const layers: NormLayer[] = []
  const taken = new Set<string>()
  let offset = 0
  for (const node of graph.nodes.filter(isNorm)) {
    const [, scale, shift, mean, variance] = node.inputs as [string, string, string, string, string]
    for (const name of [scale, shift, mean, variance]) {
      if (graph.initializers.get(name)?.dtype !== 'float32')
        throw adaptError('NO_NORMALISATION', `"${name}" of ${describeNode(node)} is no float32 constant`)
      if (taken.has(name)) throw adaptError('NO_NORMALISATION', `"${name}" belongs to two layers`)
      taken.add(name)
    }
    const channels = graph.initializers.get(scale)!.dims[0]!
    const epsilon = floatAttribute(node, 'epsilon', 1e-5)
    layers.push({ name: node.outputs[0]!, channels, offset, epsilon, scale, shift, mean, variance })
    offset += channels
  }
  if (layers.length === 0) throw adaptError('NO_NORMALISATION', `Graph "${graph.name}" has no such layer`)
  return { layers, channels: offset }
}
