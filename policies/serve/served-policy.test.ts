import { describe, expect, it } from 'vitest'
import type { EnvironmentPolicy } from '../env/index.ts'
import { measuredCostController } from '../measured-cost-controller.ts'
import type { ModeEstimate, Observation, Plan, Policy, Preference } from '../plan.ts'
import { fromEnvironmentPolicy } from './index.ts'

const local: ModeEstimate = {
  mode: 1,
  route: 'local',
  accuracy: 0.8,
  payloadBytes: 0,
  deviceMs: 10,
  serverMs: 0,
}
const split: ModeEstimate = {
  mode: 7,
  route: 'split',
  accuracy: 0.95,
  payloadBytes: 500,
  deviceMs: 8,
  serverMs: 12,
}
const observe = (change: Partial<Observation> = {}): Observation => ({
  nowMs: 0,
  deadlineMs: 100,
  online: true,
  link: { rateBps: 1e6, rttMs: 10 },
  modes: [split, local],
  creditsLeft: 4,
  ...change,
})

function policyOf<Seen = Observation>(act: EnvironmentPolicy<Seen>['act']): EnvironmentPolicy<Seen> {
  return { name: 'learned', evaluations: 0, begin: () => {}, act }
}
function fail(): never {
  throw new Error('broken')
}

describe('a policy of an environment on a device', () => {
  it("plans the mode of its action, which counts the observation's modes", () => {
    const policy = fromEnvironmentPolicy(policyOf(() => 0))
    expect(policy.decide(observe())).toEqual({
      route: 'split',
      mode: 7,
      expectedMs: 8 + 12 + 10 + 4,
      reason: 'chosen by learned',
    })
    expect(policy.counts).toMatchObject({ decisions: 1, fallbacks: 0 })
  })

  it('is given the preference as weights of delay, energy and error with sum one', () => {
    const asked: number[][] = []
    const policy = fromEnvironmentPolicy(
      policyOf((_, weights) => {
        asked.push(Array.from(weights))
        return 0
      }),
    )
    const preferences: Preference[] = [
      { delay: 3, energy: 1 },
      { accuracy: 2, delay: 2 },
      { delay: 0, energy: 0 },
      { energy: 5 },
      { energy: -1, delay: 3 },
      { delay: Number.NaN },
    ]
    for (const preference of preferences) policy.decide(observe({ preference }))
    const third = 1 / 3
    expect(asked).toEqual([
      [0.75, 0.25, 0],
      [0.5, 0, 0.5],
      [third, third, third],
      [0, 1, 0],
      [0, 1, 0],
      [0, 1, 0],
    ])
    expect(policy.counts.badPreference).toBe(2)
  })

  it.each([
    ['throws', 'threw', policyOf(fail)],
    ['names a mode that there is not', 'badAction', policyOf(() => 2)],
    ['names NaN', 'badAction', policyOf(() => Number.NaN)],
  ] as [string, string, EnvironmentPolicy<Observation>][])(
    'leaves the plan to the measured costs when it %s',
    (_, reason, broken) => {
      const policy = fromEnvironmentPolicy(broken)
      const expected = measuredCostController().decide(observe())
      const plan = policy.decide(observe())
      expect(plan).toMatchObject({ route: expected.route, mode: expected.mode })
      expect(plan.reason).toContain(`learned could not say (${reason})`)
      expect(policy.counts).toMatchObject({ fallbacks: 1, [reason]: 1, fallbackFailed: 0 })
    },
  )

  it.each([
    ['offline', { online: false }],
    ['before the link is measured', { link: undefined as never }],
    ['without credits', { creditsLeft: 0 }],
  ])('does not send a frame %s', (_, change) => {
    const policy = fromEnvironmentPolicy(policyOf(() => 0))
    expect(policy.decide(observe(change))).toMatchObject({ route: 'local', mode: 1 })
    expect(policy.counts.badAction).toBe(1)
  })

  it('sees what is made of the observation for it, if that is of its version and like its training', () => {
    interface Seen {
      readonly version: string
      readonly bytes: number
    }
    const served = (
      version: string,
      most = 1e6,
      observe = ({ modes }: Observation): Seen => ({
        version,
        bytes: modes[0]!.payloadBytes,
      }),
    ) =>
      fromEnvironmentPolicy(
        policyOf<Seen>(({ bytes }) => (bytes > 400 ? 1 : 0)),
        { observe, observationVersion: 'split/1', check: { isUnseen: ({ bytes }) => bytes > most } },
      )
    expect(served('split/1').decide(observe()).mode).toBe(1)
    const cases = [
      ['otherVersion', served('split/2')],
      ['unseen', served('split/1', 100)],
      ['threw', served('split/1', 1e6, fail)],
    ] as const
    for (const [reason, policy] of cases) {
      expect(policy.decide(observe()).mode).toBe(7)
      expect(policy.counts).toMatchObject({ fallbacks: 1, [reason]: 1 })
    }
  })

  it('takes the first mode that can be taken when the fallback fails, too', () => {
    const fallback: Policy = { decide: fail }
    const policy = fromEnvironmentPolicy(policyOf(fail), { fallback })
    expect(policy.decide(observe({ online: false }))).toMatchObject({ route: 'local', mode: 1 })
    expect(policy.decide(observe())).toMatchObject({ route: 'split', mode: 7 })
    expect(policy.counts).toMatchObject({ threw: 2, fallbackFailed: 2 })
  })

  it.each([
    ['a mode that there is not', { route: 'split', mode: 99 }],
    ['a mode on another route', { route: 'local', mode: 7 }],
    ['no plan', undefined],
  ])('takes the first mode when the fallback gives %s', (_, plan) => {
    const fallback = { decide: () => plan } as unknown as Policy
    const policy = fromEnvironmentPolicy(policyOf(fail), { fallback })
    expect(policy.decide(observe())).toMatchObject({ route: 'split', mode: 7 })
    expect(policy.counts.fallbackFailed).toBe(1)
  })

  it('lets the fallback skip a frame', () => {
    const plan: Plan = { route: 'skip', mode: 0, expectedMs: 0, reason: 'nothing new' }
    const policy = fromEnvironmentPolicy(policyOf(fail), { fallback: { decide: () => plan } })
    expect(policy.decide(observe()).route).toBe('skip')
    expect(policy.counts.fallbackFailed).toBe(0)
  })

  it('needs modes to choose from, and a fallback that decides', () => {
    const policy = policyOf(() => 0)
    expect(() => fromEnvironmentPolicy(policy).decide(observe({ modes: [] }))).toThrow(
      expect.objectContaining({ code: 'NO_MODES' }),
    )
    expect(() => fromEnvironmentPolicy(policy, { fallback: {} as Policy })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining('fallback:') }),
    )
    expect(() => fromEnvironmentPolicy({} as typeof policy)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining('policy:') }),
    )
  })
})
