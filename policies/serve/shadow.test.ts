import { describe, expect, it } from 'vitest'
import { type EnvironmentPolicy, MecEnvironment, type MecObservation } from '../env/index.ts'
import { Greedy, placementCost, playEpisodes, shortestQueue } from '../heuristics/index.ts'
import type { ModeEstimate, Observation, Plan, Policy } from '../plan.ts'
import { type ShadowDecision, ShadowLog, ShadowPlans, ShadowPolicy } from './index.ts'

const environment = new MecEnvironment({ edges: 3 })
const play = (policy: EnvironmentPolicy<MecObservation>) =>
  playEpisodes(environment, policy, [0.7, 0.3], { firstSeed: 5, episodes: 2 })
const broken: EnvironmentPolicy<MecObservation> = {
  name: 'broken',
  evaluations: 0,
  begin: () => {
    throw new Error('cannot begin')
  },
  act: () => {
    throw new Error('cannot act')
  },
}
const always = (action: number, scores?: number[]): EnvironmentPolicy<MecObservation> => ({
  name: `always ${action}`,
  evaluations: 0,
  begin: () => {},
  act: () => action,
  ...(scores ? { scores } : {}),
})

describe('a shadow', () => {
  it('is asked beside the policy, decides nothing, and is told in costs', () => {
    const log = new ShadowLog(10_000)
    const policy = new ShadowPolicy({
      policy: shortestQueue(),
      shadow: new Greedy(),
      onDecision: log.add,
      costOf: placementCost,
    })
    expect(play(policy)).toEqual(play(shortestQueue()))
    const { decisions, sampled, agreed, failed } = policy.counts
    expect([sampled, failed]).toEqual([decisions, 0])
    const entries = log.entries()
    expect(entries).toHaveLength(decisions)
    expect(entries.filter(({ action, shadowAction }) => action === shadowAction)).toHaveLength(agreed)
    // Greedy takes what costs least, so no other choice costs less.
    for (const { costDifference } of entries) expect(costDifference).toBeLessThanOrEqual(0)
    expect(entries.some(({ costDifference }) => costDifference < 0)).toBe(true)
  })

  it('that fails in every way leaves the decisions as they were', () => {
    const policy = new ShadowPolicy({ policy: new Greedy(), shadow: broken, onDecision: () => {} })
    expect(play(policy)).toEqual(play(new Greedy()))
    expect(policy.counts).toMatchObject({ agreed: 0, failed: policy.counts.decisions + 2 })
    expect(policy.lastError).toMatchObject({ message: 'cannot act' })
  })

  it('may be told to a listener that fails, and be weighed by costs that fail', () => {
    const fail = () => {
      throw new Error('full')
    }
    for (const more of [{ onDecision: fail }, { onDecision: () => {}, costOf: fail }]) {
      const policy = new ShadowPolicy({ policy: new Greedy(), shadow: shortestQueue(), ...more })
      expect(play(policy)).toEqual(play(new Greedy()))
      expect(policy.counts.failed).toBe(policy.counts.decisions)
    }
  })

  it('can be asked at every third decision only', () => {
    const seen: number[] = []
    const policy = new ShadowPolicy({
      policy: always(0),
      shadow: always(1),
      every: 3,
      onDecision: ({ decision }) => seen.push(decision),
    })
    const { observation } = environment.reset({ seed: 1 })
    for (let decision = 0; decision < 8; decision++) policy.act(observation, [0.5, 0.5])
    expect(seen).toEqual([0, 3, 6])
    expect(policy.counts).toEqual({ decisions: 8, sampled: 3, agreed: 0, failed: 0 })
  })

  it.each([
    ["the shadow's scores", always(2), always(1, [3, 5, 1]), -4],
    ["the policy's scores", always(1, [3, 5, 1]), always(0), 2],
    ['no scores', always(1), always(0), Number.NaN],
    ['an action beyond the scores', always(1), always(7, [3, 5, 1]), Number.NaN],
  ])('is weighed by %s where no costs are given', (_, policy, shadow, difference) => {
    let told: ShadowDecision | undefined
    const shadowed = new ShadowPolicy({ policy, shadow, onDecision: (decision) => (told = { ...decision }) })
    shadowed.act(environment.reset({ seed: 1 }).observation, [0.5, 0.5])
    expect(told!.costDifference).toBe(difference)
  })

  it("passes on what the policy itself throws, which is the guard's business", () => {
    const policy = new ShadowPolicy({ policy: broken, shadow: new Greedy(), onDecision: () => {} })
    expect(() => policy.act(environment.reset({ seed: 1 }).observation, [1, 0])).toThrow('cannot act')
  })

  it.each([
    ['policy', { policy: {} as Greedy }],
    ['shadow', { shadow: undefined as unknown as Greedy }],
    ['every', { every: 0 }],
    ['every', { every: 1.5 }],
    ['onDecision', { onDecision: 'log' as unknown as () => void }],
  ])('is refused with a wrong %s', (field, wrong) => {
    const options = { policy: new Greedy(), shadow: new Greedy(), onDecision: () => {}, ...wrong }
    expect(() => new ShadowPolicy(options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${field}:`) }),
    )
  })
})

describe('the log', () => {
  const entry = (decision: number) => ({ decision, action: 1, shadowAction: 2, costDifference: -decision })

  it('keeps the newest decisions, oldest first', () => {
    const log = new ShadowLog(3)
    expect(log.entries()).toEqual([])
    for (let decision = 0; decision < 5; decision++) log.add(entry(decision))
    expect(log.entries()).toEqual([entry(2), entry(3), entry(4)])
    expect(log.added).toBe(5)
  })

  it.each([0, -1, 2.5, Number.NaN, 1e9])('is not made with room for %s', (capacity) => {
    expect(() => new ShadowLog(capacity)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  })
})

describe("a device's shadow", () => {
  const mode: ModeEstimate = {
    mode: 1,
    route: 'local',
    accuracy: 0.9,
    payloadBytes: 0,
    deviceMs: 5,
    serverMs: 0,
  }
  const observation: Observation = {
    nowMs: 0,
    deadlineMs: 100,
    online: false,
    modes: [mode],
    creditsLeft: 0,
  }
  const planning = (id: number): Policy => ({
    decide: () => ({ route: 'local', mode: id, expectedMs: 5, reason: 'so' }),
  })
  const failing: Policy = {
    decide: () => {
      throw new Error('cannot decide')
    },
  }

  it('is told beside the plan that is carried out', () => {
    const told: [Plan, Plan][] = []
    const policy = new ShadowPlans({
      policy: planning(1),
      shadow: planning(2),
      every: 2,
      onDecision: ({ plan, shadowPlan }) => told.push([plan, shadowPlan]),
    })
    for (let frame = 0; frame < 4; frame++) expect(policy.decide(observation).mode).toBe(1)
    expect(told.map(([plan, shadow]) => [plan.mode, shadow.mode])).toEqual([
      [1, 2],
      [1, 2],
    ])
    expect(policy.counts).toEqual({ decisions: 4, sampled: 2, agreed: 0, failed: 0 })
  })

  it('that fails does not touch the plan', () => {
    const policy = new ShadowPlans({ policy: planning(1), shadow: failing, onDecision: () => {} })
    expect(policy.decide(observation).mode).toBe(1)
    expect(policy.counts.failed).toBe(1)
  })

  it.each([
    ['policy', { policy: {} as Policy }],
    ['shadow', { shadow: {} as Policy }],
    ['every', { every: -1 }],
    ['onDecision', { onDecision: undefined as unknown as () => void }],
  ])('is refused with a wrong %s', (field, wrong) => {
    const options = { policy: planning(1), shadow: planning(2), onDecision: () => {}, ...wrong }
    expect(() => new ShadowPlans(options)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${field}:`) }),
    )
  })
})
