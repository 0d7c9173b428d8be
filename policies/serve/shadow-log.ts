import { policyError } from '../errors.ts'
import type { ShadowDecision } from './shadow-policy.ts'

/** The newest decisions of a {@link ShadowPolicy}, in a ring that never grows: `onDecision: log.add`. */
export class ShadowLog {
  /** Decisions that were added, those that have been overwritten included. */
  added = 0
  private readonly columns: { readonly [Field in keyof ShadowDecision]: Float64Array }

  /** Throws IsthmusError `BAD_OPTION` unless `capacity` is a whole number from 1 to a million. */
  constructor(capacity = 1024) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 1e6) {
      throw policyError('BAD_OPTION', `capacity: ${capacity} is no whole number from 1 to 1000000`)
    }
    const column = () => new Float64Array(capacity)
    this.columns = {
      decision: column(),
      action: column(),
      shadowAction: column(),
      costDifference: column(),
    }
  }

  get capacity(): number {
    return this.columns.decision.length
  }

  /** Allocates nothing. */
  readonly add = ({ decision, action, shadowAction, costDifference }: ShadowDecision): void => {
    const at = this.added++ % this.capacity
    this.columns.decision[at] = decision
    this.columns.action[at] = action
    this.columns.shadowAction[at] = shadowAction
    this.columns.costDifference[at] = costDifference
  }

  /** What the ring holds, oldest first. */
  entries(): ShadowDecision[] {
    const { decision, action, shadowAction, costDifference } = this.columns
    const count = Math.min(this.added, this.capacity)
    return Array.from({ length: count }, (_, entry) => {
      const at = (this.added - count + entry) % this.capacity
      return {
        decision: decision[at]!,
        action: action[at]!,
        shadowAction: shadowAction[at]!,
        costDifference: costDifference[at]!,
      }
    })
  }
}
