import { expect, it } from 'vitest'
import { DeepSeaTreasure, RandomStream } from '../../env/index.ts'
import { volumeBelow } from '../judge/front-figures.ts'
import { judge } from '../judge/judge.ts'
import { LearnedPolicy } from '../network/learned-policy.ts'
import { problemOf } from '../problems/index.ts'
import type { GmorlRecipe } from '../recipe/recipe.ts'
import { trainGmorl } from '../train-gmorl.ts'

const recipe: GmorlRecipe = {
  problem: { env: 'deep-sea-treasure' },
  seed: 1,
  hidden: 48,
  stages: [
    {
      kind: 'envelope',
      rounds: 60,
      episodes: 60,
      steps: 150,
      batch: 128,
      rate: 0.002,
      memory: 30_000,
      // With 0.97 the treasure 19 steps away is worth less than the one before it; with 1 nothing keeps it from idling for ever.
      discount: 0.98,
      relabelled: 0.5,
      targetRate: 0.02,
      wandering: 0.1,
      // All that lies between the first and the last treasure is told apart by preferences within a factor of 6.
      spread: 1,
      preferences: 2,
      homotopy: 0.5,
      temperature: 0.1,
    },
  ],
}

it('finds every treasure of the convex front that some preference likes best', async () => {
  const { shape, weights } = await trainGmorl({ recipe, judgeEvery: 0 })
  const problem = problemOf(recipe.problem)
  const found = judge(problem, new LearnedPolicy(problem.encoding, shape, weights), {
    system: 'convex',
    preferences: problem.grid(401, new RandomStream(0)),
    firstSeed: 0,
    episodes: 1,
  })
  const front = new DeepSeaTreasure('convex').paretoFront().map((point) => point.map((value) => -value))
  const reference = problem.looseReferences.get('convex')!
  expect(volumeBelow(found, reference) / volumeBelow(front, reference)).toBeGreaterThan(0.99)
  // The eighth lies on the line between its neighbours: no preference likes it better than both.
  for (const point of front.toSpliced(7, 1)) expect(found).toContainEqual(point)
}, 600_000)
