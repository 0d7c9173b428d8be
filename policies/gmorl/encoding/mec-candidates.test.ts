import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MecEnvironment, RandomStream } from '../../env/index.ts'
import { Greedy } from '../../heuristics/index.ts'
import { LearnedPolicy } from '../network/learned-policy.ts'
import { initialWeights } from '../network/set-network.ts'
import { Encoder } from './encoder.ts'
import { mecCandidates } from './mec-candidates.ts'
import { samplePreference, weigh } from './preference.ts'

const { rowLength, contextLength } = mecCandidates
const seeds = fc.integer({ min: 0, max: 2 ** 31 })
const weight = fc.double({ min: 0, max: 1, noNaN: true })

describe('candidates of mec', () => {
  it('are finite and of the order of one, whatever the system', () => {
    const environment = new MecEnvironment({ edges: [1, 40] })
    const encoder = new Encoder(mecCandidates, 41)
    fc.assert(
      fc.property(seeds, weight, (seed, w) => {
        const { observation } = environment.reset({ seed })
        const random = new RandomStream(seed)
        let worst = 0
        for (let slot = 0; slot < 100; slot++) {
          const count = encoder.encode(observation, [w, 1 - w])
          for (const value of encoder.rows.subarray(0, count * rowLength)) {
            if (!(Math.abs(value) <= worst)) worst = Math.abs(value)
          }
          for (const value of encoder.context) if (!(Math.abs(value) <= worst)) worst = Math.abs(value)
          environment.step(random.below(observation.servers))
        }
        expect(worst).toBeLessThan(100)
      }),
      { numRuns: 20 },
    )
  })

  it('seen under another preference are what they would have been under it', () => {
    const environment = new MecEnvironment({ edges: 4 })
    const one = new Encoder(mecCandidates, 5)
    const other = new Encoder(mecCandidates, 5)
    fc.assert(
      fc.property(seeds, weight, weight, (seed, w, v) => {
        const { observation } = environment.reset({ seed })
        for (let slot = 0; slot < 30; slot++) environment.step(seed % 5)
        const count = one.encode(observation, [w, 1 - w])
        other.encode(observation, [v, 1 - v])
        weigh([v, 1 - v], count, one.rows, 0, rowLength, one.context, 0)
        expect(one.rows).toEqual(other.rows)
        expect(one.context).toEqual(other.context)
      }),
    )
  })

  it('make a new policy choose as greedy-ω does', () => {
    const shape = { rowLength, contextLength, hidden: 8, outputs: 1 }
    const policy = new LearnedPolicy(mecCandidates, shape, initialWeights(shape, new RandomStream(1), 1))
    const greedy = new Greedy()
    const environment = new MecEnvironment()
    let differ = 0
    let decisions = 0
    for (let seed = 0; seed < 60; seed++) {
      const { observation } = environment.reset({ seed })
      const w = (seed % 20) / 19
      for (let slot = 0; slot < 100; slot++) {
        const wanted = greedy.act(observation, [w, 1 - w])
        if (observation.taskBits > 0) {
          decisions++
          // Rounding to single precision may turn a tie.
          if (policy.act(observation, [w, 1 - w]) !== wanted) differ++
        }
        environment.step(wanted)
      }
    }
    expect(differ / decisions).toBeLessThan(0.01)
  })
})

describe('sampled preferences', () => {
  it('sum to one, and give both objectives a say in most', () => {
    const random = new RandomStream(3)
    const units = [0.02, 1.8]
    const weights = new Float64Array(2)
    let balanced = 0
    for (let k = 0; k < 2000; k++) {
      samplePreference(random, units, weights)
      expect(weights[0]! + weights[1]!).toBeCloseTo(1, 12)
      const share = (weights[0]! * units[0]!) / (weights[0]! * units[0]! + weights[1]! * units[1]!)
      if (share > 0.05 && share < 0.95) balanced++
    }
    expect(balanced / 2000).toBeGreaterThan(0.6)
  })
})
