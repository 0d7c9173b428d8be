import { float32Tensor } from '../onnx/index.ts'
import type { NetBuilder } from './net-builder.ts'
import { type SlimmableEncoderSizes, slimmableEncoder } from './slimmable-encoder.ts'

/** What each further member starts to add, in parts of the first. */
const SCALE_AT_START = 0.5

/**
 * Small encoders whose latents add up: y = e₁(x) + s₂ · e₂(x) + …, the first `members` of them. Each further one refines what those
 * before it have said, so a device that has the time runs more of them, and one decoder takes every sum (slimmable ensemble
 * encoders, arXiv 2306.12691). The scales s, one for each channel, are learned: those of the published runtime belong to untrained
 * weights. [N,3,32,32] → [N,latent,7,7].
 */
export function ensembleEncoder(
  net: NetBuilder,
  x: string,
  sizes: SlimmableEncoderSizes,
  members: number,
): string {
  let sum = slimmableEncoder(net, x, sizes, 1, 'encoder.1')
  for (let member = 2; member <= members; member++) sum = addEnsembleMember(net, sum, x, sizes, member)
  return sum
}

/** What the members before `member` (2 or more) say of `x`, `sum`, with its own word added. */
export function addEnsembleMember(
  net: NetBuilder,
  sum: string,
  x: string,
  sizes: SlimmableEncoderSizes,
  member: number,
): string {
  const scale = net.vector(`encoder.${member}.scale`, () =>
    float32Tensor(new Float32Array(sizes.latent).fill(SCALE_AT_START), [1, sizes.latent, 1, 1]),
  )
  const more = slimmableEncoder(net, x, sizes, 1, `encoder.${member}`)
  return net.add(sum, net.g.op('Mul', [more, scale]))
}
