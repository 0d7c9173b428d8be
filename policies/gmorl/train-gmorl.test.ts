import { describe, expect, it } from 'vitest'
import { RandomStream } from '../env/index.ts'
import type { PolicyNetwork } from './collect/collector-jobs.ts'
import { judge } from './judge/judge.ts'
import { LearnedPolicy } from './network/learned-policy.ts'
import { problemOf } from './problems/index.ts'
import type { GmorlProgress } from './progress.ts'
import type { GmorlRecipe, Stage } from './recipe/recipe.ts'
import { tightRatio, trainGmorl } from './train-gmorl.ts'

const rounds = { rounds: 2, episodes: 24, steps: 6, batch: 32, rate: 1e-3, memory: 50_000 }
const imitation: Stage = { kind: 'imitation', ...rounds, base: 'rule', ahead: 10, futures: 1 }
const self: Stage = { ...imitation, base: 'self', tried: 2, closerThan: 0.5 }
const sac: Stage = {
  kind: 'sac',
  ...rounds,
  sac: { temperature: 0.05, targets: 'lowest', actorRate: 0.1 },
  discount: 0.95,
  relabelled: 0.5,
  targetRate: 0.05,
  criticRounds: 1,
}
const envelope: Stage = {
  kind: 'envelope',
  ...rounds,
  discount: 0.95,
  relabelled: 0.5,
  targetRate: 0.05,
  preferences: 2,
  homotopy: 0.5,
  temperature: 0.1,
}
const recipe = (...stages: Stage[]): GmorlRecipe => ({
  problem: { env: 'mec', edges: [1, 2], judged: [2], system: { slots: 20 } },
  seed: 5,
  hidden: 8,
  stages,
})

const flat = ({ weights }: PolicyNetwork) => [...weights].flatMap(([name, values]) => [name, ...values])

describe('training', () => {
  it.each([
    ['imitation', [imitation, self]],
    ['SAC', [sac]],
    ['Envelope Q', [envelope]],
  ] as const)('by %s gives the same policy for the same recipe, whatever collects', async (_, stages) => {
    const one = await trainGmorl({ recipe: recipe(...stages), judgeEvery: 0, collectors: 1 })
    const two = await trainGmorl({ recipe: recipe(...stages), judgeEvery: 0, collectors: 2 })
    expect(flat(two)).toEqual(flat(one))
    const other = await trainGmorl({ recipe: { ...recipe(...stages), seed: 6 }, judgeEvery: 0 })
    expect(flat(other)).not.toEqual(flat(one))
  })

  it('goes on after a stage as if it had not stopped, and tells how it goes', async () => {
    const all = recipe(imitation, self)
    const saved: PolicyNetwork[] = []
    const told: GmorlProgress[] = []
    const whole = await trainGmorl({
      recipe: all,
      judgeEvery: 2,
      onStage: async (_, policy) => void saved.push(policy),
      onProgress: (progress) => told.push(progress),
    })
    const resumed = await trainGmorl({ recipe: all, judgeEvery: 0, resume: { stage: 1, policy: saved[0]! } })
    expect(flat(resumed)).toEqual(flat(whole))
    expect(told.map(({ stage, round }) => `${stage}: ${round}`)).toEqual([
      'imitation (1 of 2): 1',
      'imitation (1 of 2): 2',
      'imitation (2 of 2): 1',
      'imitation (2 of 2): 2',
    ])
    expect(told[1]!.hypervolume!.get('E=2')).toBeGreaterThan(0.5)
  })

  it('stops when it is told to, and names what is wrong with a recipe', async () => {
    const controller = new AbortController()
    const stopped = trainGmorl({
      recipe: recipe({ ...imitation, rounds: 1000 }),
      judgeEvery: 0,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    })
    await expect(stopped).rejects.toMatchObject({ code: 'TRAINING_STOPPED' })
    const unknown = { ...recipe(imitation), problem: { env: 'chess' } } as unknown as GmorlRecipe
    await expect(trainGmorl({ recipe: unknown })).rejects.toMatchObject({
      code: 'BAD_OPTION',
      message: expect.stringContaining('chess'),
    })
  })

  it('makes a better policy than the rule it begins with, in seconds on a small system', async () => {
    const small = recipe({
      ...imitation,
      rounds: 6,
      episodes: 60,
      steps: 150,
      batch: 128,
      ahead: 15,
      futures: 2,
    })
    const policy = await trainGmorl({ recipe: { ...small, hidden: 24 }, judgeEvery: 0, collectors: 2 })
    const problem = problemOf(small.problem)
    const options = {
      system: 'E=2',
      preferences: problem.grid(41, new RandomStream(0)),
      firstSeed: 7e9,
      episodes: 60,
    }
    const learned = new LearnedPolicy(problem.encoding, policy.shape, policy.weights)
    const ratio = tightRatio(judge(problem, learned, options), judge(problem, problem.base(), options))
    expect(ratio).toBeGreaterThan(1.005)
  })
})
