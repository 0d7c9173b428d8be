import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { NetBuilder, slimmableEncoder } from '../nets/index.ts'
import type { Tensor } from '../runtime/index.ts'
import { runTraining } from '../train/index.ts'
import {
  type Family,
  fineTuningOptimizer,
  fineTuningStep,
  imitationOptimizer,
  imitationStep,
  rateFeeds,
} from './index.ts'

const batch = 8
const encoder = { stem: 6, stemBlocks: 1, body: 8, blocks: 1, latent: 4 }
const family: Family = {
  name: 'small',
  encoder,
  plane: [7, 7],
  decoder: { stem: 0, body: 0, latent: 4, decoder: 6 },
  tail: { group1: 4, group2: 6, group3: 8 },
  batch,
  widths: [
    { width: 1, rows: 6 },
    { width: 0.5, rows: 2 },
  ],
  tiers: [
    { gain: 1.6, bitPrice: 1e-5 },
    { gain: 0.8, bitPrice: 1e-4 },
    { gain: 0.3, bitPrice: 1e-3 },
  ],
  prefixRows: 3,
  fineBias: 1.5,
}
const fixed: Family = {
  ...family,
  widths: [{ width: 0.5, rows: batch }],
  tiers: family.tiers.slice(0, 1),
  prefixRows: 0,
}

function images(step: number): Tensor {
  const random = seededRandom(5, step)
  const data = Float32Array.from({ length: batch * 3072 }, () => random.normal())
  return { dtype: 'float32', dims: [batch, 3, 32, 32], data }
}

function targets(step: number): Tensor {
  const data = new Float32Array(batch * 10)
  for (let row = 0; row < batch; row++) data[row * 10 + ((row + step) % 10)] = 1
  return { dtype: 'float32', dims: [batch, 10], data }
}

/** Losses of so many steps, and the state after them. */
async function train(
  step: Parameters<typeof runTraining>[0]['step'],
  optimizer: Parameters<typeof runTraining>[0]['optimizer'],
  steps: number,
  rate: number,
  feeds: (step: number) => Record<string, Tensor>,
) {
  const losses: number[] = []
  const { state } = await runTraining({
    step,
    optimizer,
    steps,
    itemsPerStep: batch,
    rate: () => rate,
    batch: feeds,
    threads: 1,
    onProgress: ({ loss }) => losses.push(loss),
  })
  return { losses, weights: step.parameters(state) }
}

describe('rateFeeds', () => {
  it('draws places between the tiers, prices between theirs, and cuts only rows of the first width', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), (seed, step) => {
        const { mix, price, kept, noise } = rateFeeds(family, seed)(step) as Record<
          string,
          { data: Float32Array }
        >
        for (let row = 0; row < batch; row++) {
          const shares = [...mix!.data.subarray(3 * row, 3 * row + 3)]
          expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1, 5)
          expect(shares.every((share) => share >= 0)).toBe(true)
          expect(price!.data[row]).toBeGreaterThanOrEqual(0.99e-5)
          expect(price!.data[row]).toBeLessThanOrEqual(1.01e-3)
          const own = [...kept!.data.subarray(4 * row, 4 * row + 4)]
          const isCut = own.includes(0)
          expect(isCut).toBe(row >= 3 && row < 6)
          expect(own[0]).toBe(1)
          // What is kept is a prefix.
          expect(own).toEqual([...own].sort((a, b) => b - a))
        }
        expect(noise!.data.every((value) => Math.abs(value) <= 0.5)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('stays at the one tier of a fixed encoder, and draws the same for the same step', () => {
    const feeds = rateFeeds(fixed, 3)
    const { mix, price, kept } = feeds(7) as Record<string, { data: Float32Array }>
    expect([...mix!.data]).toEqual(new Array(batch).fill(1))
    expect([...price!.data].every((value) => Math.abs(value / 1e-5 - 1) < 1e-6)).toBe(true)
    expect(kept!.data.every((value) => value === 1)).toBe(true)
    const noise = (feeds(8).noise!.data as Float32Array).slice()
    feeds(9)
    expect(feeds(8).noise!.data).toEqual(noise)
  })
})

describe.each([
  ['two widths and three rates', family],
  ['one width and one rate', fixed],
])('%s', (_, one) => {
  it('come near another head by imitation, then learn answers', async () => {
    const other = new NetBuilder('other', { random: seededRandom(2) })
    const input = other.g.input('input', 'float32', ['N', 3, 32, 32])
    other.g.output(slimmableEncoder(other, input, { ...encoder, stem: 9 }), 'latent')
    const imitation = imitationStep(one, other.build(), 1)
    const same = () => ({ input: images(0) })
    const first = await train(imitation, imitationOptimizer, 1, 0, same)
    const imitated = await train(imitation, imitationOptimizer, 150, 5e-3, same)
    expect(imitated.losses.at(-1)!).toBeLessThan(0.8 * first.losses[0]!)

    const rates = rateFeeds(one, 4)
    const step = fineTuningStep(one, imitated.weights, { seed: 1, weightDecay: 0, rateScaleOfRates: 5 })
    const feeds = (at: number) => ({ input: images(0), targets: targets(0), ...rates(at) })
    const before = await train(step, fineTuningOptimizer, 1, 0, feeds)
    const tuned = await train(step, fineTuningOptimizer, 40, 0.05, feeds)
    expect(tuned.losses.at(-1)!).toBeLessThan(0.8 * before.losses[0]!)
  })
})
