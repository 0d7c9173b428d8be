import type { DistillationWeights } from '../losses.ts'

/** How the server learns from what devices send up. Defaults: those of the authors' code (CEMA, Chen et al. 2024). */
export interface CemaSettings {
  /** Uploads of one step. */
  readonly batch: number
  /** Stored uploads that a step learns from again, for each new one. */
  readonly replayPerNew: number
  /** With fewer stored uploads, a step learns from the new ones alone. */
  readonly replayFrom: number
  /** Uploads kept, the newest. */
  readonly replayLimit: number
  readonly studentRate: number
  readonly foundationRate: number
  readonly momentum: number
  readonly loss: Omit<DistillationWeights, 'margin'>
  /** Entropy at which a row weighs 1, in shares of ln(classes). */
  readonly marginShare: number
  /** How far running statistics move with each step. */
  readonly statisticsShare: number
  /** `first-batch`: running statistics begin as those of the first uploads, and the source's are forgotten. */
  readonly statisticsFrom: 'source' | 'first-batch'
  /** Of the draws from the store. */
  readonly seed: number
}

export const cemaSettings: CemaSettings = {
  batch: 32,
  replayPerNew: 3,
  replayFrom: 256,
  replayLimit: 10_000,
  studentRate: 0.0025,
  foundationRate: 0.00025,
  momentum: 0.9,
  loss: { alpha: 3, beta: 3, gamma: 1, temperature: 1 },
  marginShare: 0.4,
  statisticsShare: 0.1,
  statisticsFrom: 'source',
  seed: 1,
}
