import { openSession } from '@isthmus/models/runtime'
import { describe, expect, it } from 'vitest'
import { RandomStream } from '../env/index.ts'
import { Encoder, judge, LearnedPolicy, policyModel, problemOf, samplePreference } from '../gmorl/index.ts'
import { SeenCheck } from '../serve/index.ts'
import { loadPolicy, trainedFolder } from './index.ts'

describe.each([
  ['mec', 31, 10, 0.997],
  ['split', 40, 8, 1.005],
] as const)('the committed policy of %s', (env, points, episodes, most) => {
  const problem = problemOf({ env })

  it('costs less than the rule that it began as (for split: no more), in every system that it is judged on', async () => {
    const { network } = await loadPolicy(trainedFolder(env))
    const policy = new LearnedPolicy(problem.encoding, network.shape, network.weights)
    for (const system of problem.judging.keys()) {
      const preferences = problem.grid(points, new RandomStream(1))
      const options = { system, preferences, firstSeed: 6_500_000_000, episodes }
      const ours = judge(problem, policy, options)
      const rule = judge(problem, problem.base(), options)
      const weighed = (costs: readonly number[], at: number) =>
        costs.reduce((sum, cost, k) => sum + preferences[at]![k]! * problem.costScales[k]! * cost, 0)
      // What the preference asks for, as a share of what the rule needs for it: a front has more chance in it.
      const shares = ours.map((costs, at) => weighed(costs, at) / weighed(rule[at]!, at))
      expect(shares.reduce((sum, share) => sum + share, 0) / shares.length, system).toBeLessThan(most)
    }
  }, 120_000)

  it('chooses on 10,000 states as its exported model does, and has seen the like of nearly all', async () => {
    const { network, manifest } = await loadPolicy(trainedFolder(env))
    const { encoding } = problem
    const policy = new LearnedPolicy<unknown>(encoding, network.shape, network.weights)
    const check = new SeenCheck<unknown>(encoding, manifest.seen)
    const session = await openSession(policyModel(network))
    const random = new RandomStream(2)
    const weights = new Float64Array(encoding.objectives)
    const units = new Float64Array(encoding.objectives)
    const encoder = new Encoder<unknown>(encoding, problem.places)
    let states = 0
    let unseen = 0
    let differ = 0
    for (let episode = 0; states < 10_000; episode++) {
      const environment = problem.training[random.below(problem.training.length)]!
      environment.reset({ seed: 8_000_000_000 + episode })
      const seen: { rows: Float32Array; context: Float32Array; candidates: number; scores: Float32Array }[] =
        []
      for (let over = false; !over; ) {
        const { observation } = environment
        encoding.units(observation, units)
        samplePreference(random, units, weights)
        const action = policy.act(observation, weights)
        const candidates = encoder.encode(observation, weights)
        const allowed = policy.scores.subarray(0, candidates).every((score) => score > -Infinity)
        if (allowed && problem.decides(observation)) {
          seen.push({
            rows: encoder.rows.slice(0, candidates * encoding.rowLength),
            context: encoder.context.slice(),
            candidates,
            scores: policy.scores.slice(0, candidates),
          })
          if (check.isUnseen(observation, weights)) unseen++
        }
        const { terminated, truncated } = environment.step(action)
        over = terminated || truncated
      }
      const places = Math.max(1, ...seen.map(({ candidates }) => candidates))
      const tensor = (...dims: number[]) => ({
        dtype: 'float32' as const,
        dims,
        data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)),
      })
      const rows = tensor(seen.length, places, encoding.rowLength)
      const context = tensor(seen.length, encoding.contextLength)
      const mask = tensor(seen.length, places)
      for (const [at, state] of seen.entries()) {
        rows.data.set(state.rows, at * places * encoding.rowLength)
        context.data.set(state.context, at * encoding.contextLength)
        mask.data.fill(1, at * places, at * places + state.candidates)
      }
      const { scores } = await session.run({ rows, context, mask })
      for (const [at, state] of seen.entries()) {
        const exported = (scores!.data as Float32Array).subarray(at * places, at * places + state.candidates)
        const best = exported.indexOf(Math.max(...exported))
        const own = state.scores.indexOf(Math.max(...state.scores))
        // Sums in another order may turn what is as good as a tie.
        if (best !== own && state.scores[own]! - state.scores[best]! > 1e-4) differ++
      }
      states += seen.length
    }
    await session.dispose()
    expect(differ).toBe(0)
    expect(unseen / states).toBeLessThan(0.01)
  }, 120_000)
})
