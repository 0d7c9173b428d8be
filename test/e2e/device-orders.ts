import type { Answer, DeviceOptions, DeviceStats } from '@isthmus/device-sdk'
import type { AnswerTimes } from './lateness.ts'
import type { Stall } from './stalls.ts'

// What a test tells its device process, and what it hears back: one report for each order, and one for each answer.

export type DeviceOrder =
  | {
      readonly kind: 'connect'
      readonly options: Pick<DeviceOptions, 'id' | 'broker' | 'bundle' | 'deadlineMs'>
    }
  | { readonly kind: 'stream'; readonly frames: number; readonly intervalMs: number; readonly mode: number }
  | { readonly kind: 'wait' }
  | { readonly kind: 'shift wall clock'; readonly ms: number }
  | { readonly kind: 'stats' }

/** One answered frame. */
export interface AnswerRecord extends AnswerTimes, Pick<Answer, 'route' | 'frame'> {
  /** Which frame of this process, from 0. */
  readonly index: number
  readonly fallback: Answer['fallback'] | undefined
}

export type DeviceReport =
  | { readonly kind: 'server'; readonly ready: boolean }
  | { readonly kind: 'answered'; readonly record: AnswerRecord }
  | { readonly kind: 'streamed'; readonly stalls: readonly Stall[]; readonly eventLoopMaxMs: number }
  | { readonly kind: 'shifted' }
  /** `answersSeen`: for each frame, how often it was in `answers$`. */
  | { readonly kind: 'stats'; readonly stats: DeviceStats; readonly answersSeen: readonly number[] }
  | { readonly kind: 'failed'; readonly message: string }
