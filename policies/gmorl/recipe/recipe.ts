import type { ProblemSpec } from '../problems/index.ts'
import type { SacOptions } from '../sac/discrete-sac.ts'

/** Rounds of collecting and learning; while a round is learnt from, the next is collected. */
interface Rounds {
  readonly rounds: number
  /** Episodes that a round collects. */
  readonly episodes: number
  /** Learning steps of a round. */
  readonly steps: number
  readonly batch: number
  /** Learning rate at the start; it falls to 0 along half a cosine. */
  readonly rate: number
  /** States kept at most. */
  readonly memory: number
  /**
   * Preferences are drawn so that the logarithms of what the objectives count, each in its unit, lie within ± spread; default 3. Less
   * where the preferences that matter lie close together: else most of the training is spent on others.
   */
  readonly spread?: number
}

/** Learn from a teacher that looks ahead from a base policy: the problem's rule, or what has been learnt so far. */
export interface ImitationStage extends Rounds {
  readonly kind: 'imitation'
  readonly base: 'rule' | 'self'
  /** Candidates to try in a state, those held best; default: all. */
  readonly tried?: number
  /** Only states are labelled in which the two held best are less apart, in units of weighted cost; default: all. */
  readonly closerThan?: number
  /**
   * Errors beyond it count linearly, in units of weighted cost; default 1. Where rare events cost much (late frames), it must lie
   * above what they cost: else the network learns what mostly happens, and not the mean.
   */
  readonly wild?: number
  /** Steps that the teacher looks ahead, and futures that it samples. */
  readonly ahead: number
  readonly futures: number
}

/** Rounds of playing and learning from rewards. */
interface Playing extends Rounds {
  readonly discount: number
  /** Share of the transitions that are seen under a preference drawn anew. */
  readonly relabelled: number
  /** Share by which the slow copies move to what learns at a step. */
  readonly targetRate: number
  /**
   * Share of decisions while collecting that begin a run of one random action; default 0. Needed where a reward lies many steps
   * away.
   */
  readonly wandering?: number
}

/** Learn from rewards. */
export interface SacStage extends Playing {
  readonly kind: 'sac'
  readonly sac: SacOptions
  /** First rounds in which the critics alone learn. */
  readonly criticRounds: number
}

/** Learn from rewards by Envelope Q-learning, from the first weights on: the learner to compare with. */
export interface EnvelopeStage extends Playing {
  readonly kind: 'envelope'
  /** Preferences under which each next state is seen. */
  readonly preferences: number
  /** Share λ of the weighted error in the loss at the end; it rises from 0. */
  readonly homotopy: number
  /** Scores are divided by it before actions are drawn while collecting. */
  readonly temperature: number
}

export type Stage = ImitationStage | SacStage | EnvelopeStage

/** All that a training depends on: the same recipe gives the same policy, with any number of threads. */
export interface GmorlRecipe {
  readonly problem: ProblemSpec
  readonly seed: number
  readonly hidden: number
  readonly stages: readonly Stage[]
}
