import type { Answer, RgbFrame } from '@isthmus/device-sdk'
import type { Preference } from '@isthmus/policies'

// What the demo tells its device process, and what it hears back.

export interface Setting {
  readonly kind: 'set'
  readonly id: string
  readonly broker: string
  readonly bundle: string
  readonly deadlineMs: number
  readonly frames: readonly RgbFrame[]
}

/** Without route and mode the device decides for each frame. */
export interface StreamOrder {
  readonly kind: 'stream'
  /** Taken from the photographs, again from the first after the last. */
  readonly frames: number
  readonly fps: number
  readonly route?: 'local' | 'split' | 'edge'
  readonly mode?: number
  /** Given one, the device decides by it (`weightedPolicy`) in place of the built-in controller. */
  readonly preference?: Preference
}

export type Order = Setting | StreamOrder

/** One answer, and the device process's own stopwatch. */
export interface Answered extends Pick<Answer, 'route' | 'mode' | 'bytesUp' | 'stages'> {
  readonly kind: 'answered'
  /** Which frame of the stream, from 0. */
  readonly index: number
  /** From the start of the stream to this answer. */
  readonly atMs: number
  /** From handing in the frame to having its answer. */
  readonly wallMs: number
  readonly label: string
  readonly fallback: Answer['fallback'] | undefined
}

export interface Ended {
  readonly kind: 'ended'
  /** Longest time for which the device process did not get to run. */
  readonly longestStallMs: number
}

export type Report =
  | { readonly kind: 'begins' }
  | Answered
  | Ended
  | { readonly kind: 'failed'; readonly message: string }
