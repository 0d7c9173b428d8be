import type { UploadSelector, Verdict } from '@isthmus/policies/upload'
import type { AdaptationEvent } from './events.ts'

/** Says to whoever runs the device what is wrong with the code that he has handed in. */
export type Warn = (message: string) => void

/**
 * A listener that may throw: no frame and no patch is lost for it. That it does is said the first time.
 */
export function safeListener(
  listener: ((event: AdaptationEvent) => void) | undefined,
  warn: Warn,
): (event: AdaptationEvent) => void {
  const complain = once(warn, 'adaptation.onEvent throws')
  return (event) => {
    try {
      listener?.(event)
    } catch (error) {
      complain(error)
    }
  }
}

/** A selector that may throw, or give no verdict: then the sample is not sent. That it does is said the first time. */
export function safeSelector(selector: UploadSelector, warn: Warn): UploadSelector {
  const complain = once(warn, 'adaptation.selector gives no verdict')
  return {
    name: selector.name,
    judge(sample) {
      try {
        const verdict: Verdict = selector.judge(sample)
        if (verdict.upload || PASSED.includes(verdict.why)) return verdict
        complain(new TypeError(`why: ${String(verdict.why)}`))
      } catch (error) {
        complain(error)
      }
      return { upload: false, why: 'ranked-out' }
    },
  }
}

const PASSED: readonly unknown[] = ['certain', 'unreliable', 'similar', 'ranked-out']

function once(warn: Warn, what: string): (error: unknown) => void {
  let isSaid = false
  return (error) => {
    if (isSaid) return
    isSaid = true
    warn(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
