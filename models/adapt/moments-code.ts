import { dequantize, quantize } from '../codec/index.ts'
import { adaptError } from './errors.ts'
import type { Moments } from './moments.ts'
import type { NormLayout } from './norm-layers.ts'

const halves = { kind: 'affine-dynamic', bits: 16 } as const
/** Of halves: what is farther from the packed network than that is no picture. */
const LARGEST = 1000
/** Natural logarithm of the largest ratio of variances. */
const LARGEST_LOG = 20
const LEAST = 1e-12

/** Bytes of the moments of a network. */
export const momentsBytes = (layout: NormLayout): number => 4 * layout.channels

/**
 * Moments as bytes, to be told to a server: differences to the packed network as halves, of the means in standard deviations, then of the
 * variances in powers of e. What is larger than the code reaches is cut.
 */
export function encodeMoments(moments: Moments, packed: Moments, layout: NormLayout): Uint8Array {
  const values = new Float32Array(2 * layout.channels)
  for (const { offset, channels, epsilon } of layout.layers)
    for (let at = offset; at < offset + channels; at++) {
      const variance = packed.variance[at]! + epsilon
      const step = (moments.mean[at]! - packed.mean[at]!) / Math.sqrt(variance)
      const log = Math.log((moments.variance[at]! + epsilon) / variance)
      values[at] = Math.max(-LARGEST, Math.min(LARGEST, step))
      values[layout.channels + at] = Math.max(-LARGEST_LOG, Math.min(LARGEST_LOG, log))
    }
  return quantize(values, halves).packed
}

/** What such bytes say. Throws NORM_MISMATCH for another length, NORM_NOT_FINITE for what no frames can give. */
export function decodeMoments(bytes: Uint8Array, packed: Moments, layout: NormLayout): Moments {
  if (bytes.length !== momentsBytes(layout))
    throw adaptError('NORM_MISMATCH', `Statistics have ${bytes.length} bytes, not ${momentsBytes(layout)}`)
  const values = numbersOf(bytes)
  const [mean, variance] = [new Float32Array(layout.channels), new Float32Array(layout.channels)]
  for (const { offset, channels, epsilon } of layout.layers)
    for (let at = offset; at < offset + channels; at++) {
      const [step, log] = [values[at]!, values[layout.channels + at]!]
      // Also false for what is no number.
      if (!(Math.abs(step) <= LARGEST && Math.abs(log) <= LARGEST_LOG))
        throw adaptError('NORM_NOT_FINITE', `Statistics of channel ${at} are ${step} and ${log}`)
      const base = packed.variance[at]! + epsilon
      mean[at] = packed.mean[at]! + step * Math.sqrt(base)
      variance[at] = Math.max(LEAST, base * Math.exp(log) - epsilon)
    }
  return { mean, variance }
}

function numbersOf(bytes: Uint8Array): Float32Array {
  try {
    return dequantize(bytes, bytes.length / 2, halves)
  } catch (error) {
    throw adaptError('NORM_NOT_FINITE', error instanceof Error ? error.message : String(error))
  }
}
