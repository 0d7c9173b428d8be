import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type EnvironmentPolicy, MecEnvironment, type MecObservation } from '../env/index.ts'
import { Greedy, playEpisodes } from '../heuristics/index.ts'
import { checkFit, type FallbackReason, type GuardedOptions, GuardedPolicy } from './index.ts'

/** Says what it is told to, and remembers what it was asked. */
class Puppet implements EnvironmentPolicy<MecObservation> {
  readonly name = 'puppet'
  evaluations = 0
  readonly asked: number[][] = []
  readonly answer: (observation: MecObservation) => number

  constructor(answer: (observation: MecObservation) => number) {
    this.answer = answer
  }

  begin(): void {}

  act(observation: MecObservation, weights: ArrayLike<number>): number {
    this.asked.push(Array.from(weights))
    return this.answer(observation)
  }
}

const environment = new MecEnvironment({ edges: 3 })
const observed = (): MecObservation => environment.reset({ seed: 1 }).observation
const guarded = (
  policy: EnvironmentPolicy<MecObservation>,
  more: Partial<GuardedOptions<MecObservation>> = {},
) =>
  new GuardedPolicy<MecObservation>({
    policy,
    fallback: new Puppet(() => 2),
    objectives: 2,
    observationVersion: environment.observationVersion,
    actionsOf: ({ servers }) => servers,
    ...more,
  })
function fail(): never {
  throw new Error('broken')
}

describe('a guarded policy', () => {
  it("takes its policy's actions while nothing is wrong, and plays as it does", () => {
    const play = (policy: EnvironmentPolicy<MecObservation>) =>
      playEpisodes(environment, policy, [0.5, 0.5], { firstSeed: 3, episodes: 2 })
    const policy = guarded(new Greedy())
    expect(play(policy)).toEqual(play(new Greedy()))
    expect(policy.counts).toMatchObject({ fallbacks: 0, badPreference: 0, fallbackFailed: 0 })
    expect(policy.counts.decisions).toBeGreaterThan(100)
    expect(policy.evaluations).toBeGreaterThan(100)
  })

  it.each([
    ['throws', 'threw', fail],
    ['names an action that there is not', 'badAction', () => 4],
    ['names one below 0', 'badAction', () => -1],
    ['names a fraction', 'badAction', () => 0.5],
    ['names NaN', 'badAction', () => Number.NaN],
    ['names nothing', 'badAction', () => undefined as unknown as number],
  ] satisfies [string, FallbackReason, () => number][])(
    'falls back and counts when its policy %s',
    (_, reason, answer) => {
      const policy = guarded(new Puppet(answer))
      expect(policy.act(observed(), [0.5, 0.5])).toBe(2)
      expect(policy.counts).toMatchObject({ decisions: 1, fallbacks: 1, [reason]: 1, fallbackFailed: 0 })
      expect(policy.lastError === undefined).toBe(reason !== 'threw')
    },
  )

  it('does not show its policy an observation of another version', () => {
    const puppet = new Puppet(() => 1)
    const policy = guarded(puppet)
    expect(policy.act({ ...observed(), version: 'mec/2' }, [0.5, 0.5])).toBe(2)
    expect(policy.act(null as unknown as MecObservation, [0.5, 0.5])).toBe(0)
    expect(puppet.asked).toEqual([])
    expect(policy.counts).toMatchObject({ otherVersion: 2, fallbacks: 2, fallbackFailed: 1 })
  })

  it('asks for no action that is not valid now', () => {
    const policy = guarded(new Puppet(() => 1), { isValid: (_, action) => action !== 1 })
    expect(policy.act(observed(), [0.5, 0.5])).toBe(2)
    expect(policy.counts.badAction).toBe(1)
  })

  it('falls back where the check says that this is like nothing in training', () => {
    const unseen = guarded(new Puppet(() => 1), { check: { isUnseen: () => true } })
    expect(unseen.act(observed(), [0.5, 0.5])).toBe(2)
    expect(unseen.counts.unseen).toBe(1)
    const broken = guarded(new Puppet(() => 1), { check: { isUnseen: fail } })
    expect(broken.act(observed(), [0.5, 0.5])).toBe(2)
    expect(broken.counts.threw).toBe(1)
  })

  it('takes the first valid action when the fallback fails as well', () => {
    const isValid = (_: MecObservation, action: number) => action > 0
    for (const answer of [fail, () => 9]) {
      const policy = guarded(new Puppet(fail), { fallback: new Puppet(answer), isValid })
      expect(policy.act(observed(), [0.5, 0.5])).toBe(1)
      expect(policy.counts).toMatchObject({ threw: 1, fallbackFailed: 1 })
    }
  })

  it('survives a policy and a fallback that cannot begin', () => {
    const broken = { name: 'broken', evaluations: 0, begin: fail, act: () => 1 }
    const policy = guarded(broken, { fallback: broken })
    policy.begin(1)
    expect(policy.act(observed(), [0.5, 0.5])).toBe(1)
    expect(policy.counts).toMatchObject({ threw: 1, fallbackFailed: 1, fallbacks: 0 })
  })

  it.each([
    ['does not sum to one', [0.5, 0.4]],
    ['has a weight below 0', [1.5, -0.5]],
    ['has a NaN', [0.5, Number.NaN]],
    ['has too many weights', [0.5, 0.3, 0.2]],
    ['has too few', []],
    ['is of words', ['1', '0'] as unknown as number[]],
    ['is missing', undefined as unknown as number[]],
  ])('decides by the last sound preference when one %s', (_, bad) => {
    const puppet = new Puppet(() => 1)
    const policy = guarded(puppet)
    for (const weights of [bad, [0.8, 0.2], bad]) expect(policy.act(observed(), weights)).toBe(1)
    expect(puppet.asked).toEqual([
      [0.5, 0.5],
      [0.8, 0.2],
      [0.8, 0.2],
    ])
    expect(policy.counts).toMatchObject({ badPreference: 2, fallbacks: 0 })
  })

  it('gives the fallback a sound preference, too', () => {
    const fallback = new Puppet(() => 3)
    expect(guarded(new Puppet(fail), { fallback }).act(observed(), [Number.NaN, 1])).toBe(3)
    expect(fallback.asked).toEqual([[0.5, 0.5]])
  })

  it('returns a valid action whatever policy, fallback and preference do', () => {
    const answers = fc.oneof(fc.double(), fc.integer({ min: -2, max: 6 }), fc.constant(undefined))
    const weights = fc.oneof(fc.array(fc.double(), { maxLength: 3 }), fc.constant([0.3, 0.7]))
    const observation = observed()
    fc.assert(
      fc.property(answers, answers, fc.boolean(), weights, (said, instead, throws, preference) => {
        const own = new Puppet(() => (throws ? fail() : (said as number)))
        const policy = guarded(own, { fallback: new Puppet(() => instead as number) })
        const action = policy.act(observation, preference)
        expect([0, 1, 2, 3]).toContain(action)
        const { fallbacks, threw, badAction, otherVersion, unseen } = policy.counts
        expect(fallbacks).toBe(threw + badAction + otherVersion + unseen)
        for (const weight of own.asked.flat()) expect(weight).toBeGreaterThanOrEqual(0)
      }),
    )
  })

  it.each([
    ['policy', { policy: {} as Greedy }],
    ['fallback', { fallback: {} as Greedy }],
    ['objectives', { objectives: 0 }],
    ['objectives', { objectives: Number.NaN }],
    ['actionsOf', { actionsOf: 4 as unknown as () => number }],
  ])('is refused with a wrong %s', (field, wrong) => {
    expect(() => guarded(new Greedy(), wrong)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`${field}:`) }),
    )
  })
})

describe('whether a policy fits an environment', () => {
  const made = { observation: 'mec/1', objectives: ['delay', 'energy'] }
  const system = {
    name: 'mec',
    observationVersion: 'mec/1',
    actionCount: 4,
    rewardSpace: environment.rewardSpace,
  }

  it('is said for one that it was made for', () => {
    expect(environment.rewardSpace.names).toEqual(made.objectives)
    expect(() => checkFit(made, environment)).not.toThrow()
  })

  it.each([
    ['observation', { observationVersion: 'split/1' }],
    ['objectives', { rewardSpace: { names: ['energy', 'delay'], low: [], high: [] } }],
    ['objectives', { rewardSpace: { names: ['delay'], low: [], high: [] } }],
    ['actionCount', { actionCount: 1000 }],
    ['actionCount', { actionCount: 0 }],
  ])('is denied naming the field: %s', (field, other) => {
    expect(() => checkFit(made, { ...system, ...other })).toThrow(
      expect.objectContaining({ code: 'BAD_POLICY', message: expect.stringMatching(`^${field}: .*mec has`) }),
    )
  })
})
