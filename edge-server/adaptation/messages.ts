import type { CemaSettings, Moments } from '@isthmus/models/adapt'
import type { Upload } from './fair-queue.ts'
import type { Candidate, LearnReport, Probe } from './family-learner.ts'
import type { GuardLimits } from './model-guard.ts'
import type { Picture } from './picture.ts'
import type { IntakeState } from './sample-intake.ts'
import type { JudgeSettings } from './sample-judge.ts'

/** What the thread of one family starts with. */
export interface LearnerSetup {
  /** `name@version` of the bundle, for messages. */
  readonly id: string
  /** ONNX files. */
  readonly student: Uint8Array
  readonly foundation: Uint8Array
  readonly mean: readonly number[]
  readonly std: readonly number[]
  /** File that the state is kept in. */
  readonly statePath: string
  /** Names student and foundation: a state of others is not gone on from. */
  readonly lineage: string
  /** Whether uploads may be written to the disk. */
  readonly keepsPixels: boolean
  readonly settings?: Partial<CemaSettings>
  readonly judge?: JudgeSettings
  readonly guard?: GuardLimits
  readonly probe?: Probe
  readonly fairness?: number
  readonly replaySteps?: boolean
  readonly threads?: number
}

/** A task for the thread; it does one after another and answers each. */
export type LearnerTask =
  | {
      readonly kind: 'learn'
      readonly uploads: readonly Upload<Picture>[]
      readonly nowMs: number
      /** What the devices' frames are like, as they have told. */
      readonly statistics?: Moments | undefined
    }
  | { readonly kind: 'candidate' }
  | { readonly kind: 'rollBack'; readonly version: number }
  | { readonly kind: 'save'; readonly intake: IntakeState }

export type ToLearner =
  | { readonly kind: 'task'; readonly id: number; readonly task: LearnerTask }
  | { readonly kind: 'published'; readonly version: number }
  | { readonly kind: 'close' }

/** What became of a task, by its kind. */
export interface LearnerAnswers {
  readonly learn: LearnReport
  readonly candidate: Candidate
  readonly rollBack: Candidate
  readonly save: { readonly bytes: number; readonly ms: number }
}

/** How a thread has found its state. */
export type StateFound = 'none' | 'resumed' | 'damaged' | 'other-networks'

export type FromLearner =
  | {
      readonly kind: 'ready'
      readonly found: StateFound
      readonly detail: string
      readonly intake: IntakeState | undefined
    }
  | { readonly kind: 'done'; readonly id: number; readonly answer: LearnerAnswers[LearnerTask['kind']] }
  /** A task failed; the learner is as it was, or as it was when it last was good. */
  | { readonly kind: 'failed'; readonly id: number; readonly detail: string }
