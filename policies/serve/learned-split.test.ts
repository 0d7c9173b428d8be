import { expect, it } from 'vitest'
import { RandomStream } from '../env/index.ts'
import { loadPolicy, trainedFolder } from '../files/index.ts'
import { splitCandidates } from '../gmorl/encoding/split-candidates.ts'
import { initialWeights } from '../gmorl/network/set-network.ts'
import type { Observation, Preference } from '../plan.ts'
import { cifarModes } from '../sim/index.ts'
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
  const other = { ...manifest, encoding: 'mec-candidates/2' }
  expect(() => learnedSplitPolicy({ manifest: other, weights })).toThrow(
    expect.objectContaining({ code: 'BAD_POLICY', message: expect.stringContaining('mec-candidates/2') }),
  )
})

it('that comes with the package knows devices with the modes of the CIFAR bundle, and heeds their preference', async () => {
  const { manifest, network } = await loadPolicy(trainedFolder('split'))
  const policy = learnedSplitPolicy({ manifest, weights: network.weights })
  const random = new RandomStream(3)
  const means = { accuracy: 0, energy: 0 }
  const frames = 400
  for (let frame = 0; frame < frames; frame++) {
    const speed = Math.exp(random.between(-0.7, 1.5))
    const rateBps = Math.exp(random.between(Math.log(1e5), Math.log(8e6)))
    const one = observation(
      {},
      {
        nowMs: 100 * frame,
        deadlineMs: random.between(120, 380),
        link: { rateBps, rttMs: random.between(10, 40), spreadMs: 3, rateSpread: random.between(0.05, 0.4) },
        modes: cifarModes.map(({ mode, route, accuracy, payloadBytes, headMs, tailMs }) => ({
          mode,
          route,
          accuracy,
          payloadBytes: route === 'local' ? 0 : payloadBytes + 60,
          deviceMs: headMs / speed,
          serverMs: route === 'local' ? 0 : 1.2 * tailMs,
          medianMs: headMs / speed + (route === 'local' ? 0 : tailMs),
          energyJ: (0.5 * headMs) / speed / 1000 + (route === 'local' ? 0 : (8 * payloadBytes) / rateBps),
        })),
      },
    )
    for (const aim of ['accuracy', 'energy'] as const) {
      const plan = policy.decide({ ...one, preference: { [aim]: 1 } })
      const chosen = one.modes.find(({ mode }) => mode === plan.mode)!
      means[aim] += chosen.energyJ! / frames
    }
  }
  expect(policy.counts.unseen / (2 * frames)).toBeLessThan(0.05)
  expect(policy.counts.threw + policy.counts.badAction).toBe(0)
  expect(means.energy).toBeLessThan(0.9 * means.accuracy)
})
