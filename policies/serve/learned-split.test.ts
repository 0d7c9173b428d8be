import { expect, it } from 'vitest'
import { RandomStream } from '../env/index.ts'
import { initialWeights } from '../gmorl/set-network.ts'
import { splitCandidates } from '../gmorl/split-candidates.ts'
import type { Observation, Preference } from '../plan.ts'
import { learnedSplitPolicy } from './learned-split.ts'

const { rowLength, contextLength, version } = splitCandidates
const shape = { rowLength, contextLength, hidden: 4, outputs: 1 } as const
const wide = (length: number) => ({
  low: Array<number>(length).fill(-50),
  high: Array<number>(length).fill(50),
})
const manifest = {
  name: 'split',
  encoding: version,
  shape,
  seen: { rows: wide(rowLength), context: wide(contextLength) },
}
/** As it is before any training: the least weighted cost. */
const weights = initialWeights(shape, new RandomStream(1), 1)

const modes: Observation['modes'] = [
  {
    mode: 1,
    route: 'local',
    accuracy: 0.8,
    payloadBytes: 0,
    deviceMs: 60,
    serverMs: 0,
    medianMs: 55,
    energyJ: 0.15,
  },
  {
    mode: 2,
    route: 'split',
    accuracy: 0.9,
    payloadBytes: 200,
    deviceMs: 12,
    serverMs: 20,
    medianMs: 28,
    energyJ: 0.04,
  },
  {
    mode: 3,
    route: 'edge',
    accuracy: 0.93,
    payloadBytes: 3000,
    deviceMs: 1,
    serverMs: 25,
    medianMs: 22,
    energyJ: 0.06,
  },
]
const observation = (preference: Preference, more: Partial<Observation> = {}): Observation => ({
  nowMs: 0,
  deadlineMs: 200,
  online: true,
  link: { rateBps: 1e6, rttMs: 10, spreadMs: 2, rateSpread: 0.1 },
  modes,
  creditsLeft: 4,
  preference,
  ...more,
})

it('takes the mode that the preference asks for', () => {
  const policy = learnedSplitPolicy({ manifest, weights })
  expect(policy.decide(observation({ energy: 1 })).mode).toBe(2)
  expect(policy.decide(observation({ accuracy: 1 })).mode).toBe(3)
  expect(policy.decide(observation({ delay: 1 })).mode).toBe(2)
  expect(policy.counts.fallbacks).toBe(0)
})

it('stays on the device without a server, a link or credits', () => {
  const policy = learnedSplitPolicy({ manifest, weights })
  const { link: _, ...unmeasured } = observation({ accuracy: 1 })
  for (const one of [
    observation({ accuracy: 1 }, { online: false }),
    observation({ accuracy: 1 }, { creditsLeft: 0 }),
    unmeasured,
  ]) {
    expect(policy.decide(one).route).toBe('local')
  }
})

it('leaves to the fallback what it has seen nothing like, and counts that', () => {
  const narrow = { low: Array<number>(contextLength).fill(0), high: Array<number>(contextLength).fill(0) }
  const policy = learnedSplitPolicy({
    manifest: { ...manifest, seen: { ...manifest.seen, context: narrow } },
    weights,
    fallback: {
      decide: ({ modes }) => ({ route: 'local', mode: modes[0]!.mode, expectedMs: 60, reason: 'careful' }),
    },
  })
  expect(policy.decide(observation({ energy: 1 })).mode).toBe(1)
  expect(policy.counts).toMatchObject({ fallbacks: 1, unseen: 1 })
})

it('refuses a policy that was trained for something else', () => {
  const other = { ...manifest, encoding: 'mec-candidates/1' }
  expect(() => learnedSplitPolicy({ manifest: other, weights })).toThrow(
    expect.objectContaining({ code: 'BAD_POLICY', message: expect.stringContaining('mec-candidates/1') }),
  )
})
