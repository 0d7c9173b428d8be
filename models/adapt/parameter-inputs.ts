import { float, type Model } from '../onnx/index.ts'
import type { Tensor } from '../runtime/session.ts'
import { GraphWithNorms, type Normalisation } from './graph-with-norms.ts'
import type { BatchMoments } from './norm-gradient.ts'
import type { NormLayout } from './norm-layers.ts'
import { type NormParameters, normKinds } from './norm-parameters.ts'

/**
 * The network with its normalisation parameters as four further inputs, each the channels of all layers end to end: see `parameterFeeds`.
 * Normalised by batch it also gives the mean and the (biased) variance in front of each layer: see `momentsOf`.
 */
export function withParameterInputs(model: Model, layout: NormLayout, normalisation: Normalisation): Model {
  const net = new GraphWithNorms(model, layout, 'forward')
  const { g } = net
  for (const kind of normKinds) g.input(parameterInput(kind), 'float32', [layout.channels])
  const replaced = new Set(layout.layers.flatMap((layer) => normKinds.map((kind) => layer[kind])))
  net.write((layer, x) => {
    const part = (kind: (typeof normKinds)[number]) =>
      g.op('Slice', [
        parameterInput(kind),
        g.ints([layer.offset]),
        g.ints([layer.offset + layer.channels]),
        g.ints([0]),
      ])
    const epsilon = float(layer.epsilon)
    const inputs = [x, ...normKinds.map(part)]
    if (normalisation === 'running') {
      g.op('BatchNormalization', inputs, { epsilon }, layer.name)
      return
    }
    const moments = (['mean', 'variance'] as const).map((kind) => momentOutput(layer.name, kind))
    // Without momentum, the operator's running averages are the moments of this batch.
    const attributes = { epsilon, training_mode: 1, momentum: float(0) }
    g.ops('BatchNormalization', inputs, attributes, [layer.name, ...moments])
    for (const moment of moments) g.output(moment)
  }, replaced)
  g.output(net.logits)
  return g.build()
}

/** The further inputs of `withParameterInputs`. */
export function parameterFeeds(parameters: NormParameters): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {}
  for (const kind of normKinds) {
    const data = parameters[kind]
    feeds[parameterInput(kind)] = { dtype: 'float32', dims: [data.length], data }
  }
  return feeds
}

/** What a run that normalised by batch has found in front of each layer. */
export function momentsOf(values: Readonly<Record<string, Tensor>>, layout: NormLayout): BatchMoments {
  const moment = (kind: 'mean' | 'variance') => {
    const all = new Float32Array(layout.channels)
    for (const { name, offset } of layout.layers)
      all.set(values[momentOutput(name, kind)]!.data as Float32Array, offset)
    return all
  }
  return { mean: moment('mean'), variance: moment('variance') }
}

const parameterInput = (kind: string): string => `norm.${kind}`
const momentOutput = (layer: string, kind: string): string => `${layer}.batch_${kind}`
