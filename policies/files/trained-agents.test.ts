import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { roundProblem } from '../com-ddpg/index.ts'
import { loadAgents, type TrainedAgents, trainedAgentsFolder } from './index.ts'

const EPISODES = 6

describe.each<TrainedAgents>(['dag', 'herding'])('the committed agents of %s', (name) => {
  // Skipped, and shown so, where the package was built without them.
  it.skipIf(!existsSync(trainedAgentsFolder(name)))(
    'do better than agents that look for their own best, on seeds that training does not use',
    async () => {
      const { manifest, network } = await loadAgents(trainedAgentsFolder(name))
      const problem = roundProblem(manifest.training.recipe.problem)
      expect(problem.name).toBe(name)
      const ours = problem.judge(network, 6_500_000_000, EPISODES)
      expect(ours).toBeLessThan(problem.judge('selfish', 6_500_000_000, EPISODES))
    },
    120_000,
  )
})
