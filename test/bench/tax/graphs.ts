import { seededRandom } from '@isthmus/models/data'
import {
  bottleFitDecoder,
  foldBatchNorm,
  foldSlices,
  NetBuilder,
  slimmableEncoder,
  teacherEnd,
} from '@isthmus/models/nets'
import type { Model } from '@isthmus/models/onnx'
import { latentDims, teacherWidthsOf, type Weights } from '../variants/graphs.ts'
import { shape } from './member.ts'

/** The device's part at one width. */
export function headOf(weights: Weights, width: number): Model {
  const net = new NetBuilder('head', { random: seededRandom(0), weights })
  const input = net.g.input('input', 'float32', ['N', 3, 32, 32])
  net.g.output(slimmableEncoder(net, input, shape.encoder, width), 'latent', 'float32', ['N', ...latentDims])
  return foldBatchNorm(foldSlices(net.build()))
}

/** The server's part. */
export function tailOf(weights: Weights): Model {
  const net = new NetBuilder('tail', { random: seededRandom(0), weights })
  const latent = net.g.input('latent', 'float32', ['N', ...latentDims])
  const widths = teacherWidthsOf(weights)
  const decoded = bottleFitDecoder(net, latent, shape.decoder, widths.group2)
  net.g.output(teacherEnd(net, decoded, widths).logits, 'logits', 'float32', ['N', 10])
  return net.build()
}
