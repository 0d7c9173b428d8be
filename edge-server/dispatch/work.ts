import type { WireErrorCode } from '@isthmus/proto'
import type { TailChoice } from './tail-choice.ts'

/** Stages of a pipeline, as a worker gets them. */
export interface StagesWork {
  readonly pipeline: number
  /** Stage numbers, ascending; tensors by number. */
  readonly stages: readonly number[]
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  /** Of a single stage: how many rows each tensor has; 0: all. */
  readonly rows: number
  /** The tensors, in a buffer of its own (it is transferred). */
  readonly payload: Uint8Array<ArrayBuffer>
  readonly deadlineMs: number
}

/** One frame's tail, as a worker gets it. */
export interface TailWork {
  readonly bundle: number
  readonly mode: number
  /** The coded latent or image, in a buffer of its own (it is transferred). */
  readonly payload: Uint8Array<ArrayBuffer>
  /** The range of a dynamic quantiser. */
  readonly scale: number | undefined
  readonly zeroPoint: number | undefined
  /** The form of the tail that answers; undefined: as packed. */
  readonly tail?: TailChoice
  /** Decoders of further tasks that read the latent, too. */
  readonly decoders?: readonly number[]
  /** When the work is no longer worth starting, on the server's clock. */
  readonly deadlineMs: number
}

export type Work = TailWork | StagesWork

export interface Failure {
  readonly ok: false
  readonly code: WireErrorCode
  readonly detail: string
}

/** How many numbers a decoder gave. */
export interface DecoderValues {
  readonly id: number
  readonly values: number
}

/** What became of a tail. Times are what the worker measured. */
export type TailOutcome =
  | {
      readonly ok: true
      /** What the tail gave, and behind it what decoders gave. */
      readonly result: Float32Array<ArrayBuffer>
      /** Of what the tail gave. */
      readonly dims: readonly number[]
      /** What the decoders gave that were asked for and have answered; each behind the one before in `result`. */
      readonly decoded?: readonly DecoderValues[]
      /** Version of the tail that answered; undefined: as packed. */
      readonly tail?: { readonly version: number; readonly epoch: number }
      readonly decodeMs: number
      /** Of the run that computed it, and of its decoders. */
      readonly tailMs: number
      /** What of `tailMs` was for this frame alone; absent: nothing. */
      readonly ownMs?: number
      /** Frames that this run computed; absent: one. */
      readonly batch?: number
    }
  | Failure

/** What became of stages. */
export type StagesOutcome =
  | {
      readonly ok: true
      /** The tensors that were wanted, as they cross. */
      readonly payload: Uint8Array<ArrayBuffer>
      /** By the stages of the work. */
      readonly stageMs: readonly number[]
      readonly decodeMs: number
    }
  | Failure

export type Outcome = TailOutcome | StagesOutcome

/** Who computes: worker threads in production, anything in a test. */
export interface WorkRunner {
  /** Whether it can take this work now without keeping it waiting for long. */
  accepts(work: Work): boolean
  /** Takes one work. Rejects never. */
  run(work: Work): Promise<Outcome>
  /** Sets the one handler that is called when there is a vacancy again. */
  onVacancy(handler: () => void): void
}
