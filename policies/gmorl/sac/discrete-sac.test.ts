import type { Tensor } from '@isthmus/models/runtime'
import { StepRunner } from '@isthmus/models/train'
import { expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import { initialWeights, type SetNetworkShape, weightDims, weightsOf } from '../network/set-network.ts'
import { SetScorer } from '../network/set-scorer.ts'
import { CRITICS, compileSac, type SacOptions, sacOptimizer, targetOf } from './discrete-sac.ts'

const ALPHA = 0.2
const DISCOUNT = 0.6
const PLACES = 3

/** Two states with two actions each (the third place is empty); reward vectors, and the state that follows. */
const mdp = [
  [
    { reward: [1, 0], next: 0 },
    { reward: [0, 1.5], next: 1 },
  ],
  [
    { reward: [0.5, 0.2], next: 0 },
    { reward: [0, 0], next: 1 },
  ],
] as const

/** Soft value iteration: the closed form that a soft actor-critic has to reach. */
function softOptimal(share: number): number[][] {
  let values = [0, 0]
  let q: number[][] = []
  for (let sweep = 0; sweep < 200; sweep++) {
    q = mdp.map((actions) =>
      actions.map(
        ({ reward, next }) => share * reward[0] + (1 - share) * reward[1] + DISCOUNT * values[next]!,
      ),
    )
    values = q.map((row) => ALPHA * Math.log(row.reduce((sum, value) => sum + Math.exp(value / ALPHA), 0)))
  }
  return q.map((row, state) => row.map((value) => Math.exp((value - values[state]!) / ALPHA)))
}

const shape: SetNetworkShape = { rowLength: 3, contextLength: 1, hidden: 24, outputs: 1 }
const critic = { ...shape, outputs: 2 }
const shares = [0.1, 0.3, 0.5, 0.7, 0.9]

/** State and action of a candidate, one of four. */
const row = (state: number, action: number) => [
  state === 0 ? 1 : -1,
  action === 0 ? 1 : -1,
  (2 * state - 1) * (2 * action - 1),
]

/** All transitions under all preferences, the same every time: learning has no noise. */
function allTransitions() {
  const all = shares.flatMap((share) =>
    mdp.flatMap((actions, state) => actions.map((entry, action) => ({ share, state, action, ...entry }))),
  )
  const tensor = (dims: number[], data: number[]): Tensor<'float32'> => ({
    dtype: 'float32',
    dims: [all.length, ...dims],
    data: Float32Array.from(data),
  })
  const rows = (state: number) => [...row(state, 0), ...row(state, 1), 9, 9, 9]
  return {
    count: all.length,
    feeds: {
      rows: tensor(
        [PLACES, 3],
        all.flatMap(({ state }) => rows(state)),
      ),
      context: tensor(
        [1],
        all.map(({ share }) => share),
      ),
      mask: tensor(
        [PLACES],
        all.flatMap(() => [1, 1, 0]),
      ),
      taken: tensor(
        [PLACES],
        all.flatMap(({ action }) => [0, 1, 2].map((at) => (at === action ? 1 : 0))),
      ),
      reward: tensor(
        [2],
        all.flatMap(({ reward }) => reward),
      ),
      share: tensor(
        [2],
        all.flatMap(({ share }) => [share, 1 - share]),
      ),
      discount: tensor(
        [1],
        all.map(() => DISCOUNT),
      ),
      nextRows: tensor(
        [PLACES, 3],
        all.flatMap(({ next }) => rows(next)),
      ),
      nextContext: tensor(
        [1],
        all.map(({ share }) => share),
      ),
      nextMask: tensor(
        [PLACES],
        all.flatMap(() => [1, 1, 0]),
      ),
    },
  }
}

async function learn(options: Partial<SacOptions>) {
  const random = new RandomStream(11)
  const { feeds, count } = allTransitions()
  const critics = [initialWeights(critic, random, 0), initialWeights(critic, random, 0)] as const
  const step = compileSac(
    { actor: { shape, weights: initialWeights(shape, random, 0) }, critic, critics },
    count,
    PLACES,
    {
      temperature: ALPHA,
      targets: 'lowest',
      actorRate: 1,
      ...options,
    },
  )
  const runner = await StepRunner.open(step, { optimizer: sacOptimizer })
  let entropy = 0
  try {
    for (let k = 0; k < 2500; k++) {
      const now = step.parameters(runner.state)
      const targets = Object.fromEntries(
        CRITICS.flatMap((name) =>
          [...weightsOf(now, name)].map(([weight, data]) => [
            `${targetOf(name)}.${weight}`,
            { dtype: 'float32' as const, dims: weightDims(critic)[weight]!, data },
          ]),
        ),
      )
      const result = await runner.run({ ...feeds, ...targets }, k < 1500 ? 5e-3 : 1e-3)
      entropy = result.entropy!.data[0] as number
    }
    return { scorer: new SetScorer(shape, weightsOf(step.parameters(runner.state), 'actor')), entropy }
  } finally {
    await runner.dispose()
  }
}

it.each([
  ['the lower of the critics', {}],
  ['their average, and values that move in small steps', { targets: 'average', clip: 0.5 }],
] as const)(
  'reaches the soft-optimal policy of every preference in closed form, by %s',
  async (_, options) => {
    const { scorer } = await learn(options)
    for (const share of shares) {
      const wanted = softOptimal(share)
      for (const state of [0, 1]) {
        const scores = new Float32Array(2)
        scorer.score(
          Float32Array.from([...row(state, 0), ...row(state, 1)]),
          Float32Array.of(share),
          2,
          scores,
        )
        const probability = 1 / (1 + Math.exp((scores[1]! - scores[0]!) / ALPHA))
        expect(Math.abs(probability - wanted[state]![0]!)).toBeLessThan(0.01)
      }
    }
  },
)

it('tunes the temperature to the share of entropy that is asked for', async () => {
  const { entropy } = await learn({ entropyTarget: 0.5 })
  expect(entropy).toBeCloseTo(0.5, 1)
})
