import { describe, expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import { LabelBatches } from '../imitation/label-batches.ts'
import { collectLabels } from '../imitation/labels.ts'
import { oneByOne } from '../network/group-policy.ts'
import { LearnedPolicy } from '../network/learned-policy.ts'
import { initialWeights } from '../network/set-network.ts'
import { mecProblem } from '../problems/mec.ts'
import { splitProblem } from '../problems/split.ts'
import { collectEpisodes } from './episodes.ts'
import { ReplayBuffer } from './replay-buffer.ts'

const problem = mecProblem({ edges: [1, 3], judged: [3], system: { slots: 15 } })
const { rowLength, contextLength, objectives } = problem.encoding
const shape = { rowLength, contextLength, hidden: 4, outputs: 1 }
const policy = new LearnedPolicy(problem.encoding, shape, initialWeights(shape, new RandomStream(1), 1))

describe('labels', () => {
  const options = { seed: 1, firstEpisode: 0, episodes: 30, steps: 5, futures: 2 }

  it('are the same for the same episodes, however they are shared out', async () => {
    const whole = await collectLabels(problem, oneByOne(problem.base()), policy, options)
    const part = (firstEpisode: number) =>
      collectLabels(problem, oneByOne(problem.base()), policy, { ...options, firstEpisode, episodes: 15 })
    const parts = [await part(0), await part(15)]
    for (const key of ['candidates', 'rows', 'context', 'values'] as const) {
      expect([...parts[0]![key], ...parts[1]![key]]).toEqual([...whole[key]])
    }
  })

  it('value one candidate at 0 and none above; those not tried have no value', async () => {
    const { candidates, values } = await collectLabels(problem, oneByOne(problem.base()), policy, {
      ...options,
      tried: 2,
    })
    let first = 0
    for (const count of candidates) {
      const own = [...values.subarray(first, first + count)]
      expect(own.filter((value) => !Number.isNaN(value)).length).toBe(2)
      expect(Math.max(...own.filter((value) => !Number.isNaN(value)))).toBe(0)
      first += count
    }
    expect(first).toBe(values.length)
  })

  it('without a look ahead value what a placement itself costs', async () => {
    const labels = await collectLabels(problem, oneByOne(problem.base()), policy, {
      ...options,
      steps: 0,
      futures: 1,
    })
    // Number 0 of a row is that regret, worked out another way.
    for (const [at, value] of labels.values.entries()) {
      const own = labels.rows[at * rowLength]!
      if (own > -19) expect(Math.abs(value - own)).toBeLessThan(1e-4 * Math.max(1, Math.abs(own)))
    }
  })

  it('where the student is sure are left out', async () => {
    const { candidates: all } = await collectLabels(problem, oneByOne(problem.base()), policy, options)
    const { candidates: few } = await collectLabels(problem, oneByOne(problem.base()), policy, {
      ...options,
      closerThan: 0.05,
    })
    expect(few.length).toBeLessThan(0.8 * all.length)
    expect(few.length).toBeGreaterThan(0)
  })

  it('come in batches that say what is a candidate and what has a value; the oldest go', async () => {
    const labels = await collectLabels(problem, oneByOne(problem.base()), policy, { ...options, tried: 2 })
    const states = labels.candidates.length
    const batches = new LabelBatches(problem.encoding, problem.places, 2 * states)
    for (let k = 0; k < 3; k++) batches.add(labels)
    expect(batches.size).toBe(2 * states)
    const { mask, valued, rows, values } = batches.draw(new RandomStream(2), 64)
    expect(rows.dims).toEqual([64, 4, rowLength])
    for (let at = 0; at < mask.data.length; at++) {
      if (mask.data[at] === 0)
        expect([valued.data[at], values.data[at], rows.data[at * rowLength + 5]]).toEqual([0, 0, 0])
    }
    expect(valued.data.reduce((sum, one) => sum + one, 0)).toBe(128)
  })
})

describe('replay', () => {
  const episodes = collectEpisodes(problem, policy, {
    seed: 3,
    firstEpisode: 0,
    episodes: 20,
    temperature: 0.1,
  })

  it('draws steps with the states that followed them, and nothing after the end', () => {
    const buffer = new ReplayBuffer(problem.encoding, problem.places, {
      most: 1e6,
      relabelled: 0,
      discount: 0.9,
    })
    buffer.add(episodes)
    expect(buffer.size).toBe(20 * 16)
    const batch = buffer.draw(new RandomStream(4), 400)
    let ends = 0
    const left = objectives * 4 - 2 + 4
    for (let at = 0; at < 400; at++) {
      const now = batch.context.data[at * contextLength + left]! * 10
      const next = batch.nextContext.data[at * contextLength + left]! * 10
      if (now < 9.5) expect(now - next).toBeCloseTo(1, 4)
      const isLast = next === 0
      expect(batch.discount.data[at]).toBe(isLast ? 0 : Math.fround(0.9))
      if (isLast) ends++
      const taken = batch.taken.data.subarray(at * problem.places, (at + 1) * problem.places)
      expect(taken.reduce((sum, one) => sum + one, 0)).toBe(1)
    }
    expect(ends).toBeGreaterThan(5)
  })

  it('shows steps under other preferences, next states under several', () => {
    const buffer = new ReplayBuffer(problem.encoding, problem.places, {
      most: 1e6,
      relabelled: 1,
      discount: 0.9,
    })
    buffer.add(episodes)
    const { context, nextContext, share } = buffer.draw(new RandomStream(5), 100, 3)
    expect(nextContext.dims).toEqual([300, contextLength])
    const shares = new Set<number>()
    for (let at = 0; at < 100; at++) {
      // The first view is the step's own preference.
      for (let k = 0; k < objectives; k++) {
        expect(nextContext.data[3 * at * contextLength + k]).toBe(context.data[at * contextLength + k])
      }
      shares.add(share.data[at * objectives]!)
      expect(share.data[at * objectives]! + share.data[at * objectives + 1]!).toBeCloseTo(1, 5)
    }
    expect(shares.size).toBeGreaterThan(80)
  })
})

it('a policy of split never takes what may not be taken', () => {
  const split = splitProblem({ system: { credits: 1, frames: 60 } })
  const encoding = split.encoding
  const size = { rowLength: encoding.rowLength, contextLength: encoding.contextLength, hidden: 4, outputs: 1 }
  const weights = initialWeights(size, new RandomStream(6), -1)
  // Turned upside down it likes best what costs most, so what is forbidden above all.
  const perverse = new LearnedPolicy(encoding, size, weights)
  const environment = split.training[0]!
  const mask = new Uint8Array(environment.actionCount)
  let forbidden = 0
  for (let seed = 0; seed < 5; seed++) {
    environment.reset({ seed })
    for (let over = false; !over; ) {
      const valid = environment.validActions(mask)
      if (valid < mask.length) forbidden++
      const action = perverse.act(environment.observation, [0.4, 0.3, 0.3])
      expect(mask[action]).toBe(1)
      over = environment.step(action).truncated
    }
  }
  expect(forbidden).toBeGreaterThan(10)
})
