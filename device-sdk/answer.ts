import type { Route } from '@isthmus/policies'
import type { FallbackCode } from './fallback.ts'
import type { TaskAnswer } from './latent-tasks.ts'

/** One guess. */
export interface Guess {
  readonly label: string
  /** 0..1 */
  readonly probability: number
}

/**
 * Where the time of an answer went, in ms; the sum is the wall time from `infer` to the answer. Stages that the
 * answer did not pass are 0.
 *
 * Both ways of the wire are measured as one round trip on the device's clock, less the time the server says it had
 * the request. The transfer times of both messages at the measured rate are taken off, the rest is halved.
 */
export interface Stages {
  readonly preprocessMs: number
  readonly filterMs: number
  readonly headMs: number
  readonly exitMs: number
  readonly encodeMs: number
  readonly uplinkMs: number
  /** All of the server's time that is neither decode nor tail. */
  readonly queueMs: number
  readonly decodeMs: number
  readonly tailMs: number
  readonly downlinkMs: number
  readonly localMs: number
  /** Nothing of the above: waiting for a reply that did not come, or for the processor. */
  readonly waitMs: number
}

export interface Answer {
  /** Which frame of this device this answers, counted from 1. */
  readonly frame: number
  /** Best guesses first. Empty for a skipped frame. */
  readonly top: readonly Guess[]
  /** The network's output as it came, e.g. logits. */
  readonly output: Float32Array
  /** The way that the answer came. */
  readonly route: Route
  readonly mode: number
  /** `name@version` of the bundle. */
  readonly bundle: string
  /** The patch of the model that gave the answer: 0 as packed. Its versions begin anew with each epoch of the server. */
  readonly modelVersion: number
  readonly modelEpoch: number
  readonly wallMs: number
  readonly stages: Stages
  /** Whether it came after its deadline. Only a local model slower than the deadline makes it so. */
  readonly late: boolean
  readonly bytesUp: number
  readonly bytesDown: number
  /** How likely the frame holds anything of interest, 0..1: set when the filter has judged it. */
  readonly interest?: number
  /** The answer is that of the head's early exit: `route` is `local`, `mode` the split mode that was planned. */
  readonly exit?: true
  /** What a server said of further tasks that were asked for; only where it has answered from the latent. */
  readonly tasks?: Readonly<Record<string, TaskAnswer>>
  /** The device held a lease of a server when it took the frame. */
  readonly leased?: true
  /** Why this plan was chosen, in words. */
  readonly reason: string
  /** Set when the answer is local though the plan was remote. */
  readonly fallback?: FallbackCode
  /** The server's error, if that was the reason. */
  readonly serverError?: { readonly code: string; readonly detail: string }
}
