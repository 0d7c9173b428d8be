import { describe, expect, it } from 'vitest'
import { drive, gilbertElliott, lteLike, stationary, type TestMode, wifiLike } from './channels.test.kit.ts'

const split = (mode: number, accuracy: number, payloadBytes: number): TestMode => ({
  mode,
  route: 'split',
  accuracy,
  payloadBytes,
  deviceMs: 4,
  serverMs: 10,
})

/** A bottleneck's operating points, so far apart that a wrong choice shows. */
const remote = [
  split(2, 0.6, 200),
  split(3, 0.75, 500),
  split(4, 0.85, 1200),
  split(5, 0.9, 2500),
  split(6, 0.93, 5000),
]
const local: TestMode = {
  mode: 1,
  route: 'local',
  accuracy: 0.8809,
  payloadBytes: 0,
  deviceMs: 8,
  serverMs: 0,
}
const tables = { 'without a local network': remote, 'with one': [local, ...remote] }
const seeds = [1, 3]
const camera = { deadlineMs: 100, frames: 2000, periodMs: 100 }

describe.each(Object.entries(tables))('%s', (_, modes) => {
  it.each([
    { name: 'LTE', channel: lteLike },
    { name: 'Wi-Fi', channel: wifiLike },
    { name: 'a Gilbert-Elliott channel', channel: gilbertElliott },
  ])(
    'loses at most 5 % of what an oracle reaches that sees each frame on something like $name',
    ({ channel }) => {
      const runs = seeds.map((seed) => drive({ modes, channel: channel(seed), seed, ...camera }))
      const regret = runs.map(({ ours, oracle }) => 1 - ours / oracle)
      expect(regret.reduce((sum, one) => sum + one, 0) / runs.length).toBeLessThanOrEqual(0.05)
      expect(Math.min(...regret)).toBeGreaterThanOrEqual(0)
    },
  )

  it.each([0.1, 0.2, 0.3])(
    'changes the mode at most six times a minute on a stationary link with variation %d',
    (variation) => {
      for (const seed of seeds) {
        // At 500 and 800 kbit/s one of the modes is about as often late as in time.
        for (const medianBps of [500_000, 800_000]) {
          const channel = stationary(seed, variation, medianBps)
          const run = drive({ modes, channel, seed, ...camera })
          expect(run.switchesPerMinute).toBeLessThanOrEqual(6)
        }
      }
    },
  )
})
