import type { Manifest } from '../bundle/manifest.ts'
import type { Graph, Model, Node } from '../onnx/graph.ts'
import type { ModelReport } from '../onnx/inspect.ts'
import { producersOf } from '../onnx/order.ts'
import { packError } from './errors.ts'

/** What a manifest says of the doors of a network. */
export interface Network {
  readonly input: Pick<Manifest['input'], 'name' | 'dims' | 'layout'>
  readonly output: string
}

const list = (values: readonly { readonly name: string }[]): string =>
  values.map(({ name }) => `"${name}"`).join(', ') || 'none'

/**
 * The one photo that a network takes and the one tensor that it gives. The layout is NCHW when the second dimension is
 * 3, NHWC when the last is. Throws CANNOT_PACK for anything else.
 */
export function describeNetwork(report: ModelReport): Network {
  const [input, second] = report.inputs
  if (!input || second) {
    throw packError('CANNOT_PACK', `A bundle's network has one input, this one has ${list(report.inputs)}.`)
  }
  const what = `The input "${input.name}" is ${input.dtype} [${input.dims}]`
  const [batch, a, b, c] = input.dims
  const layout = a === 3 ? 'NCHW' : c === 3 ? 'NHWC' : undefined
  if (input.dims.length !== 4 || !layout) {
    throw packError('CANNOT_PACK', `${what}: it should be a photo, [N,3,H,W] or [N,H,W,3].`)
  }
  if (input.dtype !== 'float32') {
    throw packError('CANNOT_PACK', `${what}: devices feed float32. Export the model with a float32 input.`)
  }
  if (batch !== 1) {
    throw packError(
      'CANNOT_PACK',
      `${what}: a frame is fed alone. Export the model with a batch of 1, or a free one.`,
    )
  }
  const [output, other] = report.outputs
  if (!output || other) {
    throw packError('CANNOT_PACK', `A classifier has one output, this model has ${list(report.outputs)}.`)
  }
  return { input: { name: input.name, dims: [a!, b!, c!], layout }, output: output.name }
}

/** Operators that leave the values as they are. */
const shaping = new Set(['Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Cast', 'Dropout'])

/** Whether the last operator of a network that does something to its values is Softmax. */
export function endsInSoftmax(graph: Graph): boolean {
  const producers = producersOf(graph.nodes)
  let node = producers.get(graph.outputs[0]?.name ?? '')
  while (node && node.domain === '' && shaping.has(node.op)) node = producers.get(node.inputs[0] ?? '')
  return node?.domain === '' && node.op === 'Softmax'
}

/** Whether values can be probabilities of exclusive classes: from 0 to 1, with sum 1. */
export function isDistribution(values: Float32Array): boolean {
  const sum = values.reduce((total, value) => total + value, 0)
  return values.length > 1 && values.every((value) => value >= 0 && value <= 1) && Math.abs(sum - 1) < 1e-3
}

const identity = (from: string, to: string): Node => ({
  name: `to_${to}`,
  op: 'Identity',
  domain: '',
  inputs: [from],
  outputs: [to],
  attributes: {},
})

/**
 * The same network with its input and output under other names, so that several networks of a bundle have the same
 * doors. Throws CANNOT_PACK when an inner value has such a name already.
 */
export function withPortNames(model: Model, input: string, output: string): Model {
  const { graph } = model
  const [first] = graph.inputs
  const [last] = graph.outputs
  if (!first || !last) return model
  const taken = new Set([...graph.initializers.keys(), ...graph.nodes.flatMap(({ outputs }) => outputs)])
  const nodes = [...graph.nodes]
  for (const [name, current] of [
    [input, first.name],
    [output, last.name],
  ] as const) {
    if (name === current || (name !== first.name && !taken.has(name))) continue
    throw packError(
      'CANNOT_PACK',
      `"${current}" should be called "${name}", as in the other network, but an inner value is called so. Rename it.`,
    )
  }
  if (input !== first.name) nodes.unshift(identity(input, first.name))
  if (output !== last.name) nodes.push(identity(last.name, output))
  const inputs = [{ ...first, name: input }]
  return { ...model, graph: { ...graph, nodes, inputs, outputs: [{ ...last, name: output }] } }
}
