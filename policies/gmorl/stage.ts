import type { PolicyNetwork } from './collect/collector-jobs.ts'

/** What every stage of a training is given. */
export interface StageContext {
  readonly seed: number
  /** Threads of the learning step's operators. */
  readonly threads: number
  endOfRound(round: number, loss: number, policy: PolicyNetwork): Promise<void>
  /** Throws when the training is to stop. */
  checkAborted(): void
}
