import { float32Tensor, float32Values, type Model } from '../onnx/index.ts'
import { adaptError } from './errors.ts'
import type { NormLayer, NormLayout } from './norm-layers.ts'

/** The four kinds of numbers that a normalisation layer holds. */
export const normKinds = ['scale', 'shift', 'mean', 'variance'] as const

/**
 * What adaptation changes in a network, and all it changes: y = scale · (x − mean) / √(variance + ε) + shift. Each vector holds
 * the channels of all layers end to end, as `NormLayout` says.
 */
export interface NormParameters {
  readonly scale: Float32Array
  readonly shift: Float32Array
  readonly mean: Float32Array
  readonly variance: Float32Array
}

/** New vectors made by `make(kind)`. */
export const normVectors = (make: (kind: (typeof normKinds)[number]) => Float32Array): NormParameters => ({
  scale: make('scale'),
  shift: make('shift'),
  mean: make('mean'),
  variance: make('variance'),
})

export const copyNormParameters = (parameters: NormParameters): NormParameters =>
  normVectors((kind) => parameters[kind].slice())

/** The part of a vector that belongs to a layer: a view. */
export const channelsOf = (vector: Float32Array, layer: NormLayer): Float32Array =>
  vector.subarray(layer.offset, layer.offset + layer.channels)

/** The parameters that a network holds, copied out of it. */
export function readNormParameters(model: Model, layout: NormLayout): NormParameters {
  return normVectors((kind) => {
    const vector = new Float32Array(layout.channels)
    for (const layer of layout.layers)
      channelsOf(vector, layer).set(float32Values(model.graph.initializers.get(layer[kind])!))
    return vector
  })
}

/**
 * The same network with these parameters in place of its own. Everything else is shared, not copied.
 * Throws NORM_MISMATCH or NORM_NOT_FINITE.
 */
export function withNormParameters(model: Model, layout: NormLayout, parameters: NormParameters): Model {
  checkNormParameters(parameters, layout)
  const initializers = new Map(model.graph.initializers)
  for (const layer of layout.layers) {
    for (const kind of normKinds) {
      if (!initializers.has(layer[kind]))
        throw adaptError('NORM_MISMATCH', `Graph "${model.graph.name}" has no "${layer[kind]}"`)
      initializers.set(layer[kind], float32Tensor(channelsOf(parameters[kind], layer)))
    }
  }
  return { ...model, graph: { ...model.graph, initializers } }
}

/** Throws NORM_MISMATCH for vectors of another length, NORM_NOT_FINITE for numbers that no layer can compute with. */
export function checkNormParameters(parameters: NormParameters, layout: NormLayout): void {
  for (const kind of normKinds) {
    const vector = parameters[kind]
    if (vector.length !== layout.channels)
      throw adaptError(
        'NORM_MISMATCH',
        `${kind} has ${vector.length} channels, the network ${layout.channels}`,
      )
    const at = vector.findIndex((value) => !Number.isFinite(value) || (kind === 'variance' && value <= 0))
    if (at >= 0) throw adaptError('NORM_NOT_FINITE', `${kind} of channel ${at} is ${vector[at]}`)
  }
}
