import { float32Tensor } from '../onnx/index.ts'
import type { NetBuilder } from './net-builder.ts'

/**
 * Learned gain vectors, one for each rate tier: a latent times its gain is what gets rounded, and the decoder multiplies what
 * arrives by the inverse gain, which is learned too. `mix` [N, tiers] (each row adds up to 1) blends neighbouring tiers geometrically, so
 * one encoder and one decoder serve every rate between the first and the last. Returns two [N,C,1,1] values.
 * After G-VAE (Cui et al. 2020, arXiv 2003.02012).
 *
 * @param start the gain of every channel in each tier before training
 */
export function gains(
  net: NetBuilder,
  mix: string,
  { batch, channels, start }: { batch: number; channels: number; start: readonly number[] },
): { gain: string; inverse: string } {
  const g = net.g
  const vector = (name: string, sign: number) => {
    const logs = Float32Array.from(
      { length: start.length * channels },
      (_, at) => sign * Math.log(start[Math.floor(at / channels)]!),
    )
    const stored = net.vector(name, () => float32Tensor(logs, [start.length, channels]))
    return g.op('Reshape', [g.op('Exp', [g.op('MatMul', [mix, stored])]), g.ints([batch, channels, 1, 1])])
  }
  return { gain: vector('gain.log', 1), inverse: vector('gain.inverse_log', -1) }
}
