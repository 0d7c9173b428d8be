import { float32Tensor } from '../onnx/index.ts'
import type { NetBuilder } from './net-builder.ts'

export interface FactorizedPriorSizes {
  /** Frames in a batch. */
  readonly batch: number
  readonly channels: number
  /** Values of each channel. */
  readonly perChannel: number
  /** Rate tiers, each with densities of its own; values in between mix them. Default 1. */
  readonly tiers?: number
  /** Height and width of a channel: then the values that come before one, in its channel and in those before, shift its density. */
  readonly plane?: readonly [height: number, width: number]
}

/** Logistic distributions that are added up to one channel's density. */
const COMPONENTS = 3

/** Beyond e^±30 nothing is told apart. */
const EXPONENT_LIMIT = 30

/** Scales stay between e^−3 and e^3. */
const LOG_SCALE_LIMIT = 3

/** No value costs more than about 30 bits: keeps logarithm and gradient finite far outside. */
const LEAST_MASS = 1e-9

/**
 * The bits that a latent `y` [N,C,…] with additive uniform noise (or rounded) costs under a learned density, per channel: [N,C]
 * float32. Each channel has one density for all places (a factorised prior, Ballé et al. 2018, arXiv 1802.01436); here it is a
 * mixture of three logistic distributions, whose mass between y − ½ and y + ½ is what the code y costs. With `plane`, y is taken relative to a learned linear blend
 * of its neighbours (a context model, Minnen et al. 2018, arXiv 1809.02736), as codes with `Neighbours` are. `mix` [N, tiers] says how much
 * each frame takes of each tier's parameters; without it there is one tier.
 */
export function factorizedPrior(
  net: NetBuilder,
  y: string,
  { batch, channels, perChannel, tiers = 1, plane }: FactorizedPriorSizes,
  mix?: string,
): string {
  const g = net.g
  const parameter = (name: string, start: (component: number) => number) => {
    const values = new Float32Array(tiers * channels * COMPONENTS)
    for (let at = 0; at < values.length; at++) values[at] = start(at % COMPONENTS)
    const stored = net.vector(`prior.${name}`, () => float32Tensor(values, [tiers, channels * COMPONENTS]))
    const own = mix === undefined ? stored : g.op('MatMul', [mix, stored])
    return g.op('Reshape', [own, g.ints([mix === undefined ? 1 : batch, channels, COMPONENTS, 1])])
  }
  const mean = parameter('mean', (component) => component - 1)
  const logScale = parameter('log_scale', () => -0.5)
  const shares = g.op('Softmax', [parameter('share', () => 0)], { axis: 2 })

  const shifted = plane ? g.op('Sub', [y, expected(net, y, channels)]) : y
  const values = g.op('Reshape', [shifted, g.ints([batch, channels, 1, perChannel])])
  // A density that has nearly become a point would turn every error into infinity.
  const bounded = g.op('Clip', [logScale, g.scalar(-LOG_SCALE_LIMIT), g.scalar(LOG_SCALE_LIMIT)])
  const sharpness = g.op('Exp', [g.op('Neg', [bounded])])
  const distance = g.op('Abs', [g.op('Sub', [values, mean])])
  // σ(a) − σ(b) = σ(a) · σ(−b) · (1 − e^(b−a)): a product cannot fall below zero, as the difference does by rounding far outside.
  const factor = (offset: number, sign: 'toward' | 'away') => {
    const from = g.op('Mul', [g.op('Add', [distance, g.scalar(offset)]), sharpness])
    const exponent = g.op('Clip', [from, g.scalar(-EXPONENT_LIMIT), g.scalar(EXPONENT_LIMIT)])
    const power = g.op('Exp', [sign === 'toward' ? exponent : g.op('Neg', [exponent])])
    return g.op('Div', [g.scalar(1), g.op('Add', [power, g.scalar(1)])])
  }
  const width = g.op('Sub', [g.scalar(1), g.op('Exp', [g.op('Neg', [sharpness])])])
  const mixed = g.op('Mul', [width, shares])
  const masses = g.op('Mul', [g.op('Mul', [factor(-0.5, 'toward'), factor(0.5, 'away')]), mixed])
  const mass = g.op('ReduceSum', [masses, g.ints([2])], { keepdims: 0 })
  const logarithm = g.op('Log', [g.op('Add', [mass, g.scalar(LEAST_MASS)])])
  const nats = g.op('ReduceSum', [logarithm, g.ints([2])], { keepdims: 0 })
  return g.op('Mul', [nats, g.scalar(-1 / Math.LN2)])
}

/** What a value is expected to be: a linear blend of the values around it that a decoder has by then, channel after channel, row by row. */
function expected(net: NetBuilder, y: string, channels: number): string {
  const g = net.g
  const dims = [channels, channels, 3, 3]
  const isKnown = (at: number) => {
    const place = at % 9
    const source = Math.floor(at / 9) % channels
    const channel = Math.floor(at / (9 * channels))
    return source < channel || (source === channel && place < 4)
  }
  const mask = Float32Array.from({ length: channels * channels * 9 }, (_, at) => (isKnown(at) ? 1 : 0))
  const stored = net.vector('prior.context', () => float32Tensor(new Float32Array(mask.length), dims))
  const kernel = g.op('Mul', [stored, g.constant(float32Tensor(mask, dims))])
  return g.op('Conv', [y, kernel], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })
}
