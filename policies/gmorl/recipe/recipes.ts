import type { ProblemSpec } from '../problems/index.ts'
import type { GmorlRecipe, ImitationStage } from './recipe.ts'

const firstLook: ImitationStage = {
  kind: 'imitation',
  base: 'rule',
  rounds: 16,
  episodes: 300,
  steps: 600,
  batch: 512,
  rate: 0.002,
  memory: 500_000,
  ahead: 100,
  futures: 3,
  spread: 2,
}

/**
 * Another step of policy iteration: looks ahead with what has been learnt, only where that leaves doubt. Many short ones bring more than
 * a few long ones.
 */
const secondLook: ImitationStage = {
  ...firstLook,
  base: 'self',
  rounds: 6,
  episodes: 160,
  steps: 400,
  rate: 0.0006,
  tried: 4,
  closerThan: 0.5,
}
const LOOKS_AGAIN = 11

const splitLook: ImitationStage = {
  ...firstLook,
  rounds: 40,
  episodes: 100,
  steps: 400,
  batch: 256,
  memory: 400_000,
  ahead: 15,
  futures: 1,
  tried: 8,
  closerThan: 0.5,
  wild: 20,
  spread: 3,
}

/** The recipe that policies are trained by when nothing else is asked for, and that the committed ones were. */
export function defaultRecipe(problem: ProblemSpec, seed: number): GmorlRecipe {
  if (problem.env !== 'split') {
    return {
      problem,
      seed,
      hidden: 64,
      stages: [firstLook, ...Array<ImitationStage>(LOOKS_AGAIN).fill(secondLook)],
    }
  }
  const again = { base: 'self', rounds: 12, episodes: 60, rate: 0.0005, tried: 5, closerThan: 0.3 } as const
  return { problem, seed, hidden: 48, stages: [splitLook, { ...splitLook, ...again }] }
}

const glance = { rounds: 8, episodes: 100, steps: 400, batch: 256, rate: 0.003, memory: 100_000 } as const

/** About a minute: to see that all works, not to have a good policy. */
export const quickRecipe = (problem: ProblemSpec, seed: number): GmorlRecipe => ({
  problem,
  seed,
  hidden: 32,
  stages: [
    problem.env === 'split'
      ? { ...splitLook, ...glance, episodes: 30, ahead: 10 }
      : { ...firstLook, ...glance, ahead: 30, futures: 2 },
  ],
})
