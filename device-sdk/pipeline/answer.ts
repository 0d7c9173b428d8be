import type { StageType, TensorForm } from '@isthmus/models/pipeline'
import type { TypedArrayOf } from '@isthmus/models/runtime'
import type { StageHost } from '@isthmus/policies/pipeline'
import type { FallbackCode } from '../fallback.ts'

/** A tensor of an answer, row-major. */
export interface StageTensor extends TensorForm {
  readonly data: TypedArrayOf[StageType]
}

/** Where a stage ran. */
export interface StageTime {
  readonly id: string
  readonly host: StageHost
  /** Of the model alone. On the server as it says, but never more than the exchange took. */
  readonly ms: number
  /** Of a stage that was divided: how many of its rows the server ran; the device ran the rest at the same time. `ms` is the longer of both. */
  readonly rowsThere?: number
}

export interface PipelineAnswer {
  /** Which run of this device this answers, counted from 1. */
  readonly run: number
  /** By the names of the manifest's outputs. */
  readonly outputs: Readonly<Record<string, StageTensor>>
  /** Where each stage was planned to run. */
  readonly placement: Readonly<Record<string, StageHost>>
  /** Where each stage did run whose result counts, in an order in which they can run. */
  readonly stages: readonly StageTime[]
  /** `name@version` of the pipeline. */
  readonly pipeline: string
  readonly wallMs: number
  /** Whether it came after its deadline: only when the device alone takes longer than that. */
  readonly late: boolean
  /** Whole messages. */
  readonly bytesUp: number
  readonly bytesDown: number
  /** Requests that were answered. */
  readonly replies: number
  /** Why this placement was chosen, in words. */
  readonly reason: string
  /** Set when a stage that was planned for the server ran on the device. */
  readonly fallback?: FallbackCode
  /** The server's error, if that was the reason. */
  readonly serverError?: { readonly code: string; readonly detail: string }
}
