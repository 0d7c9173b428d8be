import { policyError } from '../errors.ts'
import type { ForkableEnvironment, ResetResult, RewardSpace, StepResult } from './environment.ts'

/** Row of the treasure in each column; below it is sea floor. */
const DEPTHS = [1, 2, 3, 4, 4, 4, 7, 7, 9, 10] as const

/** Treasures of each column: with the first list every best trade-off is found by some weights, with the second only two. */
export const TREASURES = {
  convex: [0.7, 8.2, 11.5, 14, 15.1, 16.1, 19.6, 20.3, 22.4, 23.7],
  concave: [1, 2, 3, 5, 8, 16, 24, 50, 74, 124],
} as const

/** Where the submarine is. The same object at every step. */
export interface SubmarinePosition {
  row: number
  column: number
}

/**
 * Deep Sea Treasure (Vamplew et al. 2011; treasures as in MO-Gymnasium): a submarine dives for one of ten treasures; the
 * deeper ones are worth more and take longer. Actions 0 … 3: up, down, left, right; a move against a border or the sea floor
 * leaves it where it is. Rewards: treasure, and −1 a step. A learner that does not find its front has a fault.
 */
export class DeepSeaTreasure implements ForkableEnvironment<SubmarinePosition, null> {
  readonly name = 'deep-sea-treasure'
  readonly observationVersion = 'deep-sea-treasure/1'
  readonly actionCount = 4
  readonly rewardSpace: RewardSpace
  private readonly treasures: readonly number[]
  private readonly limit: number
  private readonly position: SubmarinePosition = { row: 0, column: 0 }
  private readonly reward = new Float64Array(2)
  private steps = 0
  private over = true

  /** @param limit steps after which an episode is truncated */
  constructor(shape: keyof typeof TREASURES = 'convex', limit = 100) {
    this.treasures = TREASURES[shape]
    this.limit = limit
    this.rewardSpace = { names: ['treasure', 'time'], low: [0, -1], high: [this.treasures.at(-1)!, -1] }
  }

  get observation(): SubmarinePosition {
    return this.position
  }

  forkFrom(other: this): void {
    Object.assign(this.position, other.position)
    this.steps = other.steps
    this.over = other.over
  }

  reset(): ResetResult<SubmarinePosition, null> {
    this.position.row = this.position.column = this.steps = 0
    this.over = false
    return { observation: this.position, info: null }
  }

  step(action: number): StepResult<SubmarinePosition, null> {
    if (this.over) throw policyError('EPISODE_OVER', 'deep-sea-treasure: the episode is over; call reset()')
    const { position, reward } = this
    const row = position.row + (action === 0 ? -1 : action === 1 ? 1 : 0)
    const column = position.column + (action === 2 ? -1 : action === 3 ? 1 : 0)
    if (![0, 1, 2, 3].includes(action)) {
      throw policyError('BAD_ACTION', `deep-sea-treasure: action ${action} is none of 0 … 3`)
    }
    const floor = DEPTHS[column]
    if (row >= 0 && floor !== undefined && row <= floor) {
      position.row = row
      position.column = column
    }
    const found = position.row === DEPTHS[position.column]
    reward[0] = found ? this.treasures[position.column]! : 0
    reward[1] = -1
    this.steps++
    const truncated = !found && this.steps >= this.limit
    this.over = found || truncated
    return { observation: position, reward, terminated: found, truncated, info: null }
  }

  validActions(mask: Uint8Array): number {
    mask.fill(1)
    return mask.length
  }

  /** Treasure and −steps of the shortest way to each, undiscounted. */
  paretoFront(): readonly (readonly number[])[] {
    return this.treasures.map((treasure, column) => [treasure, -(column + DEPTHS[column]!)])
  }
}
