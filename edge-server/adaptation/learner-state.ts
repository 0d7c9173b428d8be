import type { LearnerState } from './family-learner.ts'
import type { StateFound } from './messages.ts'
import type { IntakeState } from './sample-intake.ts'
import { readState, writeState } from './state-file.ts'

/** What is written of one family. */
export interface SavedState {
  readonly lineage: string
  readonly learner: LearnerState
  readonly intake: IntakeState
}

export interface FoundState {
  readonly found: StateFound
  readonly detail: string
  readonly state: SavedState | undefined
}

/** The state of a family's file. One that is damaged, or of other networks, is told of and not used. */
export async function findState(path: string, lineage: string): Promise<FoundState> {
  try {
    const state = (await readState(path)) as SavedState | undefined
    if (state === undefined) return { found: 'none', detail: '', state }
    if (state.lineage === lineage) return { found: 'resumed', detail: '', state }
    const detail = `${path} belongs to other networks`
    return { found: 'other-networks', detail, state: undefined }
  } catch (error) {
    return {
      found: 'damaged',
      detail: error instanceof Error ? error.message : String(error),
      state: undefined,
    }
  }
}

export const saveState = (path: string, state: SavedState): Promise<number> => writeState(path, state)
