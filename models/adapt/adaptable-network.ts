import { inferShapes, type Model } from '../onnx/index.ts'
import type { Tensor } from '../runtime/index.ts'
import { adaptError } from './errors.ts'
import { type NormLayout, normLayoutOf } from './norm-layers.ts'
import { type NormParameters, readNormParameters } from './norm-parameters.ts'
import { plainWeights } from './plain-weights.ts'

/** A classifier of images that can be adapted, and what it was before. */
export interface AdaptableNetwork {
  readonly model: Model
  readonly layout: NormLayout
  /** As it was packed. */
  readonly source: NormParameters
  readonly input: string
  /** Shape of one image: channels, height, width. */
  readonly imageDims: readonly [number, number, number]
  readonly classes: number
}

/**
 * Looks a network over: one input [N, C, H, W], logits [N, classes] as its first output, normalisations with constant parameters.
 * Throws NO_NORMALISATION or NORM_MISMATCH.
 */
export function adaptableNetwork(packed: Model): AdaptableNetwork {
  const model = plainWeights(packed)
  const { graph } = model
  const [input] = graph.inputs
  const [, ...dims] = input?.dims ?? []
  if (graph.inputs.length !== 1 || dims.length !== 3 || !dims.every((dim) => typeof dim === 'number'))
    throw adaptError('NORM_MISMATCH', `Graph "${graph.name}" does not have one input of images [N, C, H, W]`)
  const imageDims = dims as [number, number, number]
  const shapes = inferShapes(model, { [input!.name]: [1, ...imageDims] })
  const logits = shapes.get(graph.outputs[0]!.name)?.dims
  if (logits?.length !== 2)
    throw adaptError('NORM_MISMATCH', `The first output of graph "${graph.name}" is not [N, classes]`)
  const layout = normLayoutOf(model)
  return {
    model,
    layout,
    source: readNormParameters(model, layout),
    input: input!.name,
    imageDims,
    classes: logits[1]!,
  }
}

/**
 * How many layers at the end work at the last and smallest image size: what SAR calls the last stage and leaves alone, for it is
 * sensitive (Niu et al. 2023).
 */
export function lastStageLayers({ model, layout, input, imageDims }: AdaptableNetwork): number {
  const shapes = inferShapes(model, { [input]: [1, ...imageDims] })
  const areas = layout.layers.map(({ name }) =>
    shapes
      .get(name)!
      .dims.slice(2)
      .reduce((product, dim) => product * dim, 1),
  )
  const first = areas.indexOf(areas.at(-1)!)
  return layout.layers.length - first
}

/** A batch of images, normalised as the network wants them, [rows, C, H, W]. */
export const imageTensor = (
  data: Float32Array,
  rows: number,
  { imageDims }: Pick<AdaptableNetwork, 'imageDims'>,
): Tensor<'float32'> => ({ dtype: 'float32', dims: [rows, ...imageDims], data })
