import { seededRandom } from '../data/index.ts'
import { embedModel, foldBatchNorm, NetBuilder } from '../nets/index.ts'
import { type ConstantTensor, float32Values, GraphBuilder, type Model } from '../onnx/index.ts'
import type { PairShape } from './geometry.ts'
import { pairDecoder, pairEncoder } from './pair.ts'
import { mixAt } from './rates.ts'
import { pieces, type Teacher } from './teacher.ts'

type Weights = ReadonlyMap<string, ConstantTensor>

export const LATENT = 'latent'

/** The device's part: the teacher's own input → `latent` [N,C,L,L]. */
export function headModel({ network }: Teacher, shape: PairShape, weights: Weights): Model {
  const net = new NetBuilder('head', { random: seededRandom(0), weights })
  const { name, dims, layout } = network.input
  const photo = net.g.input(name, 'float32', ['N', ...dims])
  const upright = layout === 'NHWC' ? net.g.op('Transpose', [photo], { perm: [0, 3, 1, 2] }) : photo
  const { channels, side } = shape.latent
  net.g.output(pairEncoder(net, upright, shape), LATENT, 'float32', ['N', channels, side, side])
  return foldBatchNorm(net.build())
}

/** The server's part: `latent` → the teacher's answer, by the decoder and what of the teacher lies behind the cut. */
export function tailModel(
  { model, network }: Teacher,
  cutAt: string,
  shape: PairShape,
  positive: boolean,
  weights: Weights,
): Model {
  const [rest] = pieces(model, [cutAt]) as [Model]
  const g = new GraphBuilder('tail', Math.max(17, rest.opsets[''] ?? 0))
  const net = new NetBuilder('tail', { random: seededRandom(0), weights, graph: g })
  const { channels, side } = shape.latent
  const latent = g.input(LATENT, 'float32', ['N', channels, side, side])
  const map = pairDecoder(net, latent, shape, positive)
  const [answer] = embedModel(g, rest, { [rest.graph.inputs[0]!.name]: map }, 'teacher/') as [string]
  g.output(answer, network.output, 'float32', rest.graph.outputs[0]!.dims)
  return foldBatchNorm(g.build())
}

/** By what each channel is multiplied at a rate before it is rounded, and afterwards: as the training has learned it. */
export function gainsAt(
  weights: Weights,
  place: number,
  tiers: number,
): { gains: number[]; inverseGains: number[] } {
  const mix = mixAt(place, tiers)
  const blended = (name: string): number[] => {
    const logs = float32Values(weights.get(name)!)
    const channels = logs.length / tiers
    return Array.from({ length: channels }, (_, channel) => {
      let log = 0
      for (let tier = 0; tier < tiers; tier++) log += mix[tier]! * logs[tier * channels + channel]!
      return Math.fround(Math.exp(log))
    })
  }
  return { gains: blended('gain.log'), inverseGains: blended('gain.inverse_log') }
}
