import { policyError } from '../errors.ts'
import type { Communication } from './actor-shape.ts'
import type { ComDdpgOptions } from './com-ddpg.ts'
import type { RoundProblemSpec } from './problems.ts'

/** Rounds of playing and learning. */
interface Rounds {
  readonly rounds: number
  /** Episodes that a round plays. */
  readonly episodes: number
  /** Learning steps of a round. */
  readonly steps: number
  /** Learning rate at the start; it falls to 0 along half a cosine. */
  readonly rate: number
  /** Episodes kept at most. */
  readonly memory: number
}

/** Learn the choices of the central rule that knows everything; the agents play, and are told what it would have done. */
export interface ImitationStage extends Rounds {
  readonly kind: 'imitation'
  /** Places that cost so much more than the best, in deadlines, are chosen e times less. */
  readonly spread: number
  /** What a squared error of 1 in a ratio counts beside the cross entropy, of agents that divide tasks. Default 4. */
  readonly ratioLoss?: number
}

/** Learn from costs by deep deterministic policy gradient. */
export interface DdpgStage extends Rounds {
  readonly kind: 'ddpg'
  readonly options: Omit<ComDdpgOptions, 'burnIn'>
  /** Width of the critic. */
  readonly critic: number
  /** Scale of the noise on scores while playing. */
  readonly exploration: number
  /** Standard deviation of the noise on ratios in the first round; it falls to 0 along a line. Default 0.15. */
  readonly ratioNoise?: number
  /** Share by which the slow copies move to their originals at a step. */
  readonly targetRate: number
  /** First rounds in which the critic alone learns. */
  readonly criticRounds: number
}

export type ComDdpgStage = ImitationStage | DdpgStage

/** All that a training depends on: the same recipe gives the same agents. */
export interface ComDdpgRecipe {
  readonly problem: RoundProblemSpec
  readonly seed: number
  readonly communication: Communication
  readonly hidden: number
  /** Numbers of a message, and width of what an agent makes of the others' messages. */
  readonly message: number
  readonly heard: number
  /** Whether agents divide tasks between the own device and a server, of a problem with tasks that can be divided. */
  readonly ratio?: boolean
  /** Sequences of a learning step, their rounds, and how many of these only warm up the memory. */
  readonly sequences: number
  readonly length: number
  readonly burnIn: number
  /** In each sequence a share of messages is lost, from 0 to this, and all in one of ten. */
  readonly messageLoss: number
  readonly stages: readonly ComDdpgStage[]
}

const imitation: ImitationStage = {
  kind: 'imitation',
  rounds: 120,
  episodes: 3,
  steps: 60,
  rate: 0.005,
  memory: 80,
  spread: 0.05,
}

const graphImitation: ImitationStage = {
  ...imitation,
  rounds: 120,
  episodes: 20,
  rate: 0.0008,
  memory: 4000,
  spread: 0.01,
}

/** Whether there are tasks that can be divided. */
export const isDivisible = (problem: RoundProblemSpec): boolean =>
  problem.env === 'dag' && (problem.divisible ?? 0) > 0

/** Throws IsthmusError `BAD_OPTION` for agents that are to divide tasks where none can be divided. */
export function checkRatio({ ratio, problem }: Pick<ComDdpgRecipe, 'ratio' | 'problem'>): void {
  if (!ratio || isDivisible(problem)) return
  throw policyError(
    'BAD_OPTION',
    'ratio is true, but no task of the problem can be divided; say divisible in it, or leave ratio out',
  )
}

/** The recipe that agents are trained by when nothing else is asked for. */
export function defaultComDdpg(problem: RoundProblemSpec, seed: number): ComDdpgRecipe {
  const alone = problem.env === 'graph'
  return {
    problem,
    seed,
    communication: alone ? 'none' : 'bidirectional',
    hidden: 24,
    message: alone ? 1 : 6,
    heard: alone ? 1 : 10,
    sequences: alone ? 48 : 8,
    length: alone ? 14 : 12,
    burnIn: alone ? 2 : 4,
    messageLoss: alone ? 0 : 0.5,
    ...(isDivisible(problem) && { ratio: true }),
    stages: [alone ? graphImitation : problem.env === 'herding' ? { ...imitation, rounds: 20 } : imitation],
  }
}

/** Some seconds: to see that all works, not to have good agents. */
export const quickComDdpg = (problem: RoundProblemSpec, seed: number): ComDdpgRecipe => ({
  ...defaultComDdpg(problem, seed),
  stages: [{ ...defaultComDdpg(problem, seed).stages[0]!, rounds: 6, steps: 40 } as ComDdpgStage],
})

/** A stage of deep deterministic policy gradient after what has been imitated. */
export const ddpgStage: DdpgStage = {
  kind: 'ddpg',
  rounds: 100,
  episodes: 3,
  steps: 40,
  rate: 0.002,
  memory: 120,
  options: { discount: 0.9, temperature: 1, actorRate: 0.05 },
  critic: 32,
  exploration: 0.5,
  targetRate: 0.01,
  criticRounds: 35,
}
