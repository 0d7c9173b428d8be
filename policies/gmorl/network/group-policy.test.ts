import { expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import type { Problem } from '../problems/index.ts'
import { mecProblem } from '../problems/mec.ts'
import { splitProblem } from '../problems/split.ts'
import { NetworkGroup } from './group-policy.ts'
import { LearnedPolicy } from './learned-policy.ts'
import { weightDims } from './set-network.ts'

/** A network that is all chance, so that its choices are, too. */
function anyNetwork({ rowLength, contextLength }: Problem['encoding']) {
  const shape = { rowLength, contextLength, hidden: 8, outputs: 1 }
  const random = new RandomStream(4)
  const weights = Object.entries(weightDims(shape)).map(([name, dims]): [string, Float32Array] => [
    name,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal()),
  ])
  return { shape, weights: new Map(weights) }
}

it.each([
  ['mec', mecProblem({ edges: [3, 5] }) as Problem],
  ['split', splitProblem() as Problem],
])('a group of observations of %s gets the actions that each would get', async (_, problem) => {
  const { encoding, places } = problem
  const network = anyNetwork(encoding)
  const alone = new LearnedPolicy(encoding, network.shape, network.weights)
  const group = await NetworkGroup.open(encoding, places, network)
  const random = new RandomStream(1)
  const even = Array<number>(encoding.objectives).fill(1 / encoding.objectives)
  const chosen = new Set<number>()
  for (const size of [1, 7, 3]) {
    const environments = Array.from({ length: size }, (_, seed) => {
      const environment = problem.fork(0)
      environment.reset({ seed })
      for (let step = 0; step < 12; step++) environment.step(alone.act(environment.observation, even))
      return environment
    })
    const observations = environments.map(({ observation }) => observation)
    const weights = [random.uniform(), random.uniform(), random.uniform()].slice(0, encoding.objectives)
    const actions = new Int32Array(size)
    await group.act(observations, weights, actions)
    expect([...actions]).toEqual(observations.map((observation) => alone.act(observation, weights)))
    for (const action of actions) chosen.add(action)
  }
  await group.dispose()
  expect(chosen.size).toBeGreaterThan(1)
})
