import type { NormParameters } from '@isthmus/models/adapt/norms'
import type { ModelVersion } from '../loaded-model.ts'
import type { HeldStatistics } from './adapted-state.ts'

/** What a device must remember of patches to begin, after a start, from the last version that was good. */
export interface StoredPatch {
  readonly version: ModelVersion
  /** The newest version that was ever taken: after a roll-back the one that was refused. Nothing older comes in again. */
  readonly newest: ModelVersion
  /** Undefined for the network as packed. */
  readonly parameters: NormParameters | undefined
  readonly statistics: HeldStatistics
}

/** Keeps it; `load` gives undefined where there is nothing, or nothing sound. */
export interface PatchStore {
  load(): Promise<StoredPatch | undefined>
  /** Throws when it cannot be written. */
  save(stored: StoredPatch): Promise<void>
}
