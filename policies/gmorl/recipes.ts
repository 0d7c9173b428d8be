import type { ProblemSpec } from './problems/index.ts'
import type { GmorlRecipe } from './recipe.ts'

/** The recipe that policies are trained by when nothing else is asked for. */
export const defaultRecipe = (problem: ProblemSpec, seed: number): GmorlRecipe => ({
  problem,
  seed,
  hidden: 64,
  stages: [
    {
      kind: 'imitation',
      base: 'rule',
      rounds: 40,
      episodes: 400,
      steps: 1000,
      batch: 512,
      rate: 0.002,
      memory: 500_000,
      ahead: 40,
      futures: 3,
    },
  ],
})

/** About a minute: to see that all works, not to have a good policy. */
export const quickRecipe = (problem: ProblemSpec, seed: number): GmorlRecipe => ({
  problem,
  seed,
  hidden: 32,
  stages: [
    {
      kind: 'imitation',
      base: 'rule',
      rounds: 8,
      episodes: 100,
      steps: 400,
      batch: 256,
      rate: 0.003,
      memory: 100_000,
      ahead: 30,
      futures: 2,
    },
  ],
})
