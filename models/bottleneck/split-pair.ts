import type { Model } from '../onnx/index.ts'
import type { DistilOutput } from './distil-task.ts'
import { type RateMode, rateModes } from './modes.ts'
import type { Plan } from './plan.ts'
import { headModel, tailModel } from './student-models.ts'
import type { Teacher } from './teacher.ts'

/** A teacher in two parts with a latent between them, however they came about. */
export interface SplitPair {
  /** The teacher's input → `latent`. */
  readonly head: Model
  /** `latent` → the teacher's answer. */
  readonly tail: Model
  /** Channels, height, width. */
  readonly latentDims: readonly [number, number, number]
  /** The rates at which the latent is sent, from the finest to the coarsest; tables are counted on `latents` of photos. */
  modes(latents: Float32Array): RateMode[]
  /** For the report: what was done, by name. */
  readonly facts: readonly [string, string][]
}

export const millions = (count: number): string => `${(count / 1e6).toFixed(1)} M multiply-adds`

/** A small encoder and a decoder that have been trained, the decoder in front of the rest of the teacher. */
export function trainedPair(
  teacher: Teacher,
  { cut, shape, encoder, decoder }: Plan,
  { weights, positive }: DistilOutput,
  rates: number,
): SplitPair {
  const { channels, side } = shape.latent
  return {
    head: headModel(teacher, shape, weights),
    tail: tailModel(teacher, cut.tensor, shape, positive, weights),
    latentDims: [channels, side, side],
    modes: (latents) => rateModes(weights, shape, latents, rates),
    facts: [
      ['replaces', `everything up to ${cut.tensor} [${cut.dims.slice(1).join('×')}]`],
      ['encoder', millions(encoder.macs)],
      ['decoder', millions(decoder.macs)],
    ],
  }
}
