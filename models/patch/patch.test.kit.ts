import fc from 'fast-check'
import type { NormLayout, NormParameters } from '../adapt/index.ts'
import { seededRandom } from '../data/index.ts'
import { type EncodeOptions, newPatchKeys } from './index.ts'

export const keys = newPatchKeys()
export const family = Uint8Array.from({ length: 32 }, (_, at) => 7 * at)
export const base = { epoch: 9, version: 0 }

/** Layers with these numbers of channels. */
export function layoutOf(channels: readonly number[]): NormLayout {
  let offset = 0
  const layers = channels.map((count, at) => {
    const name = `layer${at}`
    const layer = {
      name,
      channels: count,
      offset,
      epsilon: 1e-5,
      scale: `${name}.scale`,
      shift: `${name}.shift`,
      mean: `${name}.mean`,
      variance: `${name}.variance`,
    }
    offset += count
    return layer
  })
  return { layers, channels: offset }
}

/** Parameters as trained networks have them: variances from thousandths to tens. */
export function someParameters(layout: NormLayout, seed: number): NormParameters {
  const random = seededRandom(seed)
  const vector = (make: () => number) => Float32Array.from({ length: layout.channels }, make)
  return {
    scale: vector(() => 1 + 0.3 * random.normal()),
    shift: vector(() => 0.5 * random.normal()),
    mean: vector(() => random.normal()),
    variance: vector(() => Math.exp(2 * random.normal())),
  }
}

/** The same, moved as far as a shift of the images moves them. */
export function moved(parameters: NormParameters, seed: number, far = 0.1): NormParameters {
  const random = seededRandom(seed)
  const std = parameters.variance.map(Math.sqrt)
  return {
    scale: parameters.scale.map((value) => value + 0.1 * far * random.normal()),
    shift: parameters.shift.map((value) => value + 0.1 * far * random.normal()),
    mean: parameters.mean.map((value, at) => value + far * std[at]! * random.normal()),
    variance: parameters.variance.map((value) => value * Math.exp(far * random.normal())),
  }
}

export const anyLayout = fc
  .array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 9 })
  .map(layoutOf)

export function encodeOptions(layout: NormLayout, more: Partial<EncodeOptions> = {}): EncodeOptions {
  const reference = someParameters(layout, 1)
  return {
    layout,
    family,
    epoch: base.epoch,
    version: 1,
    target: moved(reference, 2),
    reference,
    dtype: 'float32',
    issuedS: 1000,
    privateKey: keys.privateKey,
    ...more,
  }
}

export const decodeOptions = (layout: NormLayout) => ({
  layout,
  family,
  publicKey: keys.publicKey,
  current: base,
  nowS: 1000,
})

/** The code of the error that `act` throws. */
export function codeOf(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    return (error as { code?: string }).code
  }
}
