import { embedModel } from '../../nets/index.ts'
import { cut, float32Tensor, GraphBuilder, type Model } from '../../onnx/index.ts'
import { LATENT } from '../student-models.ts'
import type { Teacher } from '../teacher.ts'
import type { Transform } from './karhunen-loeve.ts'

const builder = (name: string, part: Model) => new GraphBuilder(name, Math.max(17, part.opsets[''] ?? 0))

/** A convolution that only mixes channels. */
function mixed(g: GraphBuilder, x: string, matrix: Float32Array, inputs: number, bias: Float32Array): string {
  const kernel = g.constant(float32Tensor(matrix, [matrix.length / inputs, inputs, 1, 1]))
  return g.op('Conv', [x, kernel, g.constant(float32Tensor(bias))], { kernel_shape: [1, 1] })
}

/**
 * The teacher cut at a map [1,C,H,W], with the transform on the device's side and its inverse on the server's: the head gives `latent`
 * [N,directions,H,W], the tail takes it. A map that never falls below zero does not in the tail, either.
 */
export function transformModels(
  { model, network }: Teacher,
  tensor: string,
  [height, width]: readonly [number, number],
  { mean, basis, positive }: Transform,
): { head: Model; tail: Model } {
  const parts = cut(model, tensor)
  const channels = mean.length
  const directions = basis.length / channels
  const latentDims = ['N', directions, height, width]

  const h = builder('head', parts.head)
  const { name, dims } = network.input
  const photo = h.input(name, 'float32', ['N', ...dims])
  const [map] = embedModel(h, parts.head, { [name]: photo }, 'teacher/') as [string]
  const offset = new Float32Array(directions)
  for (let row = 0; row < directions; row++) {
    let sum = 0
    for (let channel = 0; channel < channels; channel++)
      sum += basis[row * channels + channel]! * mean[channel]!
    offset[row] = -sum
  }
  h.output(mixed(h, map, basis, channels, offset), LATENT, 'float32', latentDims)

  const inverse = new Float32Array(basis.length)
  for (let row = 0; row < directions; row++) {
    for (let channel = 0; channel < channels; channel++)
      inverse[channel * directions + row] = basis[row * channels + channel]!
  }
  const t = builder('tail', parts.tail)
  const latent = t.input(LATENT, 'float32', latentDims)
  const raw = mixed(t, latent, inverse, directions, Float32Array.from(mean))
  const rebuilt = positive ? t.op('Relu', [raw]) : raw
  const from = parts.tail.graph.inputs[0]!.name
  const [answer] = embedModel(t, parts.tail, { [from]: rebuilt }, 'teacher/') as [string]
  t.output(answer, network.output, 'float32', parts.tail.graph.outputs[0]!.dims)
  return { head: h.build(), tail: t.build() }
}
