import { type ConstantTensor, float32Tensor, type GraphBuilder } from '@isthmus/models/onnx'
import type { RandomStream } from '../../env/index.ts'
import {
  checkNetwork,
  parameterCountOf,
  type SetNetworkShape,
  type SetNetworkWeights,
  weightDims,
} from './set-network-shape.ts'

export { checkNetwork, parameterCountOf, type SetNetworkShape, type SetNetworkWeights, weightDims }

/**
 * First weights: He et al. 2015 for the layers, zeros for what goes out, and the first number of a row passed through by `skip`.
 * So a new policy chooses the candidate that is best on its face.
 */
export function initialWeights(
  shape: SetNetworkShape,
  random: RandomStream,
  skip: number,
): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>()
  for (const [name, dims] of Object.entries(weightDims(shape))) {
    const values = new Float32Array(dims.reduce((product, dim) => product * dim, 1))
    if (name === 'skip.weight') values.fill(skip, 0, shape.outputs)
    else if (dims.length === 2 && name !== 'output.weight') {
      const deviation = Math.sqrt(2 / dims[0]!) * (name === 'pooled.weight' ? 0.5 : 1)
      for (let at = 0; at < values.length; at++) values[at] = deviation * random.normal()
    }
    weights.set(name, values)
  }
  return weights
}

/** Puts weights into a graph, as initialisers `prefix.name`. */
export function declareWeights(
  g: GraphBuilder,
  prefix: string,
  shape: SetNetworkShape,
  weights: SetNetworkWeights,
): void {
  for (const [name, dims] of Object.entries(weightDims(shape))) {
    g.constant(float32Tensor(weights.get(name)!, dims), `${prefix}.${name}`)
  }
}

/** Values of a graph that a set network reads. */
export interface SetNetworkInputs {
  /** `[batch, candidates, rowLength]` */
  readonly rows: string
  /** `[batch, contextLength]` */
  readonly context: string
  /** `[batch, candidates]`, 1 for a candidate, 0 for an empty place */
  readonly mask: string
}

/**
 * Writes the network into a graph that holds its weights under `prefix.name`. Deep sets (Zaheer et al. 2017): each candidate's
 * row through the same layer, the mean of all beside each, the same layers again; so candidates may change places, and number.
 *
 * @returns value `[batch, candidates, outputs]`
 */
export function writeSetNetwork(
  g: GraphBuilder,
  prefix: string,
  { rows, context, mask }: SetNetworkInputs,
): string {
  const product = (value: string, name: string) => g.op('MatMul', [value, `${prefix}.${name}`])
  const biased = (value: string, name: string) => g.op('Add', [value, `${prefix}.${name}`])
  const places = g.op('Unsqueeze', [mask, g.ints([2])])
  const about = g.op('Unsqueeze', [biased(product(context, 'context.weight'), 'first.bias'), g.ints([1])])
  const first = g.op('Relu', [g.op('Add', [product(rows, 'rows.weight'), about])])
  const count = g.op('ReduceSum', [mask, g.ints([1])], { keepdims: 1 })
  const sum = g.op('ReduceSum', [g.op('Mul', [first, places]), g.ints([1])], { keepdims: 0 })
  const pooled = biased(product(g.op('Div', [sum, count]), 'pooled.weight'), 'second.bias')
  const shared = g.op('Unsqueeze', [pooled, g.ints([1])])
  const second = g.op('Relu', [g.op('Add', [product(first, 'second.weight'), shared])])
  const direct = biased(product(rows, 'skip.weight'), 'output.bias')
  return g.op('Add', [product(second, 'output.weight'), direct])
}

/** All weights of {@link writeSetNetwork}'s graph that carry `prefix`, by their own names. */
export function weightsOf(
  parameters: ReadonlyMap<string, ConstantTensor>,
  prefix: string,
): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>()
  for (const [name, tensor] of parameters) {
    if (!name.startsWith(`${prefix}.`)) continue
    const { bytes } = tensor
    weights.set(name.slice(prefix.length + 1), new Float32Array(bytes.slice().buffer))
  }
  return weights
}
