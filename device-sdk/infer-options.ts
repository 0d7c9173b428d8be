import { deviceError } from './errors.ts'

export interface InferOptions {
  /** Time that this frame has, in ms. Default: the device's. */
  readonly deadlineMs?: number
  /** Takes the decision from the policy, the filter and the early exit. The local answer still comes when the server's does not. */
  readonly route?: 'local' | 'split' | 'edge'
  readonly mode?: number
}

const LONGEST_MS = 3_600_000

/** The time that a frame has, in ms. Throws BAD_OPTIONS for options that are none, and for a time that is none. */
export function deadlineOf(options: InferOptions, usualMs: number): number {
  if (typeof options !== 'object' || options === null) {
    throw deviceError('BAD_OPTIONS', `infer takes an object of options, got ${String(options)}.`)
  }
  const { deadlineMs = usualMs } = options
  if (typeof deadlineMs !== 'number' || !(deadlineMs > 0) || deadlineMs > LONGEST_MS) {
    const got = `${typeof deadlineMs} ${String(deadlineMs)}`
    throw deviceError('BAD_OPTIONS', `deadlineMs must be a number above 0, at most an hour, got ${got}.`)
  }
  return deadlineMs
}
