import type { NormParameters } from '@isthmus/models/adapt/norms'
import { AS_PACKED, type ModelVersion } from '../loaded-model.ts'

/** Mean and variance of all channels, as the device has seen them. */
export type OwnMoments = Pick<NormParameters, 'mean' | 'variance'>

/**
 * What statistics a model runs with: the device's own; `packed`: the world is as it was in training, so that the whole network is as it was
 * packed; undefined: those that came with the patch.
 */
export type HeldStatistics = OwnMoments | 'packed' | undefined

/** Which form of a model: a patch and the statistics in front of its scales and shifts. */
export interface AdaptedState {
  readonly version: ModelVersion
  /** Of that patch; undefined for version 0. */
  readonly parameters: NormParameters | undefined
  readonly statistics: HeldStatistics
}

export const packedState: AdaptedState = {
  version: AS_PACKED,
  parameters: undefined,
  statistics: undefined,
}

/** Whether the model is the one that was packed. */
export const isPacked = ({ parameters, statistics }: AdaptedState): boolean =>
  statistics === 'packed' || (parameters === undefined && statistics === undefined)

/** What the network runs with. */
export function parametersOf({ parameters, statistics }: AdaptedState, base: NormParameters): NormParameters {
  if (statistics === 'packed') return base
  const patched = parameters ?? base
  return statistics ? { ...patched, mean: statistics.mean, variance: statistics.variance } : patched
}

/** What answers say: the patch whose scales and shifts gave them. */
export const shownVersion = (state: AdaptedState): ModelVersion =>
  state.statistics === 'packed' ? AS_PACKED : state.version
