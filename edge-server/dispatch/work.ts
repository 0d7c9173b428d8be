import type { WireErrorCode } from '@isthmus/proto'

/** One frame's work, as a worker gets it. */
export interface Work {
  readonly bundle: number
  readonly mode: number
  /** The coded latent or image, in a buffer of its own (it is transferred). */
  readonly payload: Uint8Array<ArrayBuffer>
  /** The range of a dynamic quantiser. */
  readonly scale: number | undefined
  readonly zeroPoint: number | undefined
  /** When the work is no longer worth starting, on the server's clock. */
  readonly deadlineMs: number
}

/** What became of it. Times are what the worker measured. */
export type Outcome =
  | {
      readonly ok: true
      readonly result: Float32Array<ArrayBuffer>
      readonly dims: readonly number[]
      readonly decodeMs: number
      readonly tailMs: number
    }
  | { readonly ok: false; readonly code: WireErrorCode; readonly detail: string }

/** Who computes: worker threads in production, anything in a test. */
export interface WorkRunner {
  /** How many works it can take now without keeping them waiting for long. */
  readonly vacancies: number
  /** Takes one work. Rejects never. */
  run(work: Work): Promise<Outcome>
  /** Sets the one handler that is called when there is a vacancy again. */
  onVacancy(handler: () => void): void
}
