import type { Quantizer } from '../codec/index.ts'
import { embedModel } from '../nets/embed-model.ts'
import { float32Tensor, GraphBuilder, type Model, type Node } from '../onnx/index.ts'
import { adaptError } from './errors.ts'
import { isNorm, type NormLayout, normLayoutOf } from './norm-layers.ts'
import { type NormParameters, normVectors, readNormParameters } from './norm-parameters.ts'
import { plainWeights } from './plain-weights.ts'

/** One half of a split network, as far as adaptation changes it. */
export interface NormalisedHalf {
  /** With plain weights. */
  readonly model: Model
  readonly layout: NormLayout
  /** As it was packed. */
  readonly base: NormParameters
}

/** Head and tail as one classifier that can be adapted. */
export interface SplitNetwork {
  /** Image → answer. Its normalisations are those that learn: the tail's, behind those of the head where that learns, too. */
  readonly model: Model
  /** Undefined where the head stays as it is packed. */
  readonly head: NormalisedHalf | undefined
  readonly tail: NormalisedHalf
}

export interface SplitOptions {
  readonly head: Model
  readonly tail: Model
  /** How the latent crosses: it is rounded in between as on the wire. */
  readonly quantizer: Quantizer
  readonly latentDims: readonly number[]
  /** `tail`: the head is kept as it is. */
  readonly learns: 'tail' | 'both'
}

/**
 * Joins head and tail to one network. Between them the latent is rounded to the steps of its quantiser and bounded by its codes; the
 * gradient goes straight through the rounding (Bengio et al. 2013). What a dynamic quantiser would do depends on each frame and is left
 * out, as are the last values of a frame that `mostBytes` cuts.
 *
 * Throws NO_NORMALISATION when a half that is to learn has none, NORM_MISMATCH when the halves do not fit each other.
 */
export function splitNetwork({ learns, quantizer, latentDims, ...models }: SplitOptions): SplitNetwork {
  const tail = normalisedHalf(models.tail)
  const head = learns === 'both' ? normalisedHalf(models.head) : undefined
  const first = head?.model ?? fixedNorms(plainWeights(models.head))
  const [opset, other] = [first, tail.model].map(({ opsets }) => opsets[''] ?? 17)
  if (opset !== other)
    throw adaptError('NORM_MISMATCH', `The head is written in operator set ${opset}, the tail in ${other}`)
  const [image, ...more] = first.graph.inputs
  const [latent, ...others] = tail.model.graph.inputs
  if (!image || !latent || more.length + others.length > 0)
    throw adaptError('NORM_MISMATCH', 'Head and tail have one input each')
  const g = new GraphBuilder('split', opset, 'split/')
  g.input(image.name, image.dtype, image.dims ?? [])
  const [made] = embedModel(g, first, { [image.name]: image.name }, 'head/')
  const received = asReceived(g, made!, quantizer, latentDims)
  const [answer] = embedModel(g, tail.model, { [latent.name]: received }, 'tail/')
  g.output(answer!)
  return { model: g.build(), head, tail }
}

/** The parameters of a split network's halves: copies of the parts of one vector. */
export function halvesOf(
  { head, tail }: Pick<SplitNetwork, 'head' | 'tail'>,
  parameters: NormParameters,
): { readonly head: NormParameters | undefined; readonly tail: NormParameters } {
  const first = head?.layout.channels ?? 0
  const part = (from: number, count: number) =>
    normVectors((kind) => parameters[kind].slice(from, from + count))
  return { head: head && part(0, first), tail: part(first, tail.layout.channels) }
}

function normalisedHalf(packed: Model): NormalisedHalf {
  const model = plainWeights(packed)
  const layout = normLayoutOf(model)
  return { model, layout, base: readNormParameters(model, layout) }
}

/** What the tail is fed: x̂ = scale · (q − zero point) / gain. */
function asReceived(
  g: GraphBuilder,
  x: string,
  quantizer: Quantizer,
  [channels = 1, ...plane]: readonly number[],
): string {
  if (quantizer.kind === 'affine-dynamic') return x
  if (quantizer.bits === 16) return x
  const { scale, zeroPoint, bits } = quantizer
  const perChannel = (values: readonly number[]) =>
    g.constant(float32Tensor(Float32Array.from(values), [1, channels, ...plane.map(() => 1)]))
  const gains = quantizer.kind === 'entropy' ? quantizer.gains : undefined
  const scaled = gains ? g.op('Mul', [x, perChannel(gains)]) : x
  const steps = g.op('Add', [g.op('Div', [scaled, g.scalar(scale)]), g.scalar(zeroPoint)])
  const codes = g.op('Round', [g.op('Clip', [steps, g.scalar(0), g.scalar(2 ** bits - 1)])])
  const values = g.op('Mul', [g.op('Sub', [codes, g.scalar(zeroPoint)]), g.scalar(scale)])
  if (quantizer.kind !== 'entropy' || !gains) return values
  return g.op('Mul', [values, perChannel(quantizer.inverseGains ?? gains.map((gain) => 1 / gain))])
}

/** The same function, each normalisation as a factor and a summand that nothing will change. */
function fixedNorms(model: Model): Model {
  const initializers = new Map(model.graph.initializers)
  const nodes = model.graph.nodes.flatMap((node): Node[] => {
    if (!isNorm(node)) return [node]
    const layout = normLayoutOf({ ...model, graph: { ...model.graph, nodes: [node] } })
    const [layer] = layout.layers
    const { scale, shift, mean, variance } = readNormParameters(model, layout)
    const gains = scale.map((value, at) => value / Math.sqrt(variance[at]! + layer!.epsilon))
    const offsets = shift.map((value, at) => value - mean[at]! * gains[at]!)
    const output = node.outputs[0]!
    const names = { gain: `${output}.gain`, offset: `${output}.offset`, scaled: `${output}.scaled` }
    const dims = [1, layer!.channels, 1, 1]
    initializers.set(names.gain, float32Tensor(gains, dims))
    initializers.set(names.offset, float32Tensor(offsets, dims))
    const op = (kind: string, inputs: string[], made: string): Node => ({
      name: made,
      op: kind,
      domain: '',
      inputs,
      outputs: [made],
      attributes: {},
    })
    return [
      op('Mul', [node.inputs[0]!, names.gain], names.scaled),
      op('Add', [names.scaled, names.offset], output),
    ]
  })
  return { ...model, graph: { ...model.graph, nodes, initializers } }
}
