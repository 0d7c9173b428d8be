import type { Manifest } from '@isthmus/models/bundle'
import type { Outcome, Work } from '../dispatch/work.ts'
import type { WorkerPipeline } from './pipeline-stages.ts'

/** A task's decoder: latent → logits of so many labels. */
export interface WorkerDecoder {
  readonly id: number
  readonly labels: number
  readonly model: Uint8Array
}

/** What a worker needs of one bundle. */
export interface WorkerBundle {
  readonly key: number
  readonly id: string
  readonly manifest: Manifest
  readonly tail: Uint8Array | undefined
  readonly full: Uint8Array | undefined
  /** Those of further tasks. */
  readonly decoders?: readonly WorkerDecoder[]
  /** Whether works may bring parameters for the normalisations of the tail. */
  readonly adapts?: boolean
}

/** What a worker starts with. */
export interface WorkerSetup {
  readonly bundles: readonly WorkerBundle[]
  readonly pipelines?: readonly WorkerPipeline[]
  readonly intraOpThreads: number
  /** Frames that are computed together, at most. */
  readonly maxBatch: number
}

/** To a worker. A work's payload is transferred; `close` is obeyed when all works before it are done. */
export type ToWorker =
  | {
      readonly kind: 'work'
      readonly id: number
      readonly work: Work
      /** When it is no longer worth starting, on the clock that all threads of a process share. */
      readonly expiresHrMs: number
    }
  | { readonly kind: 'close' }

/** From a worker. */
export type FromWorker =
  | {
      readonly kind: 'ready'
      readonly failures: readonly BundleFailure[]
      readonly pipelineFailures?: readonly BundleFailure[]
      /** Key of each pipeline, and what its stages take; 0: not served. */
      readonly stageMs?: readonly (readonly [key: number, stageMs: readonly number[]])[]
      /** Key of each bundle, and how many frames of its routes are computed together. */
      readonly batches?: readonly (readonly [key: number, frames: BatchFrames])[]
    }
  | {
      readonly kind: 'done'
      readonly answers: readonly Answer[]
      /** How many of the kind are computed together by now. */
      readonly frames: number
    }

/** What became of one work. */
export interface Answer {
  readonly id: number
  readonly outcome: Outcome
}

/** By route, frames that are computed together at most. */
export type BatchFrames = Readonly<Record<'split' | 'edge', number>>

/** A bundle or pipeline whose models a worker could not load or run. */
export interface BundleFailure {
  readonly key: number
  readonly id: string
  readonly reason: string
}

/** Milliseconds on a monotonic clock that all threads of this process share. */
export const hrMs = (): number => Number(process.hrtime.bigint()) / 1e6
