import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { LocalStatistics, localStatisticsSettings } from './local-statistics.ts'
import { type Moments, MomentsSum, momentsDistance } from './moments.ts'
import type { NormLayout } from './norm-layers.ts'

// Eight layers of four channels: shifts are looked for in the first four.
const CHANNELS = 4
const layout: NormLayout = {
  channels: 8 * CHANNELS,
  layers: Array.from({ length: 8 }, (_, at) => ({
    name: `layer${at}`,
    channels: CHANNELS,
    offset: at * CHANNELS,
    epsilon: 1e-5,
    scale: '',
    shift: '',
    mean: '',
    variance: '',
  })),
}
const packed: Moments = {
  mean: Float32Array.from({ length: layout.channels }, (_, at) => Math.sin(at)),
  variance: Float32Array.from({ length: layout.channels }, (_, at) => 1 + 0.5 * Math.cos(at)),
}
const FRAMES = 64
const PART = 16

/** Moments of batches that scatter as those of 64 frames do; `shift` moves the means of some layers, in deviations. */
function world(seed: number, noise = localStatisticsSettings.noise) {
  const random = seededRandom(seed)
  const spread = Math.sqrt(noise / FRAMES / 2)
  return (shift = 0, layers: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7]): Moments => {
    const by = (at: number) => (layers.includes(Math.floor(at / CHANNELS)) ? shift : 0)
    return {
      mean: packed.mean.map(
        (value, at) => value + Math.sqrt(packed.variance[at]!) * (by(at) + spread * random.normal()),
      ),
      variance: packed.variance.map((value) => value * Math.exp(Math.SQRT2 * spread * random.normal())),
    }
  }
}

const play = (statistics: LocalStatistics, batches: readonly Moments[]) =>
  batches.map((batch) => statistics.add(batch, batch, FRAMES))
const times = <T>(count: number, make: () => T) => Array.from({ length: count }, make)

describe('local statistics', () => {
  it('leave the network as packed alone where the world is as it was in training', () => {
    fc.assert(
      fc.property(fc.nat(10_000), (seed) => {
        const statistics = new LocalStatistics(layout, packed)
        expect(statistics.held).toBeUndefined()
        const batch = world(seed)
        expect(
          new Set(
            play(
              statistics,
              times(40, () => batch()),
            ),
          ),
        ).toEqual(new Set(['packed']))
        expect(statistics.held).toBe('packed')
      }),
      { numRuns: 30 },
    )
  })

  it.each([1, 2, 3])(
    'take no brightness for a shift in a network with so few layers as %i: it moves the first',
    (count) => {
      const few = { ...layout, layers: layout.layers.slice(0, count) }
      fc.assert(
        fc.property(fc.nat(10_000), (seed) => {
          const [usual, bright] = [world(seed), world(seed + 1, 10 * localStatisticsSettings.noise)]
          const rounds = times(40, () => {
            const [all, first] = [usual(), bright()]
            all.mean.set(first.mean.subarray(0, CHANNELS))
            all.variance.set(first.variance.subarray(0, CHANNELS))
            return all
          })
          expect(new Set(play(new LocalStatistics(few, packed), rounds))).toEqual(new Set(['packed']))
          const foggy = play(new LocalStatistics(few, packed), [...rounds, usual(1)])
          expect(foggy.at(-1)).toBe('shift')
        }),
        { numRuns: 30 },
      )
    },
  )

  it('begin with the first batch of another world, whole, and then move by ever less', () => {
    const batch = world(1)
    const statistics = new LocalStatistics(layout, packed)
    play(statistics, [batch(), batch()])
    const [first, second] = [batch(0.5), batch(0.5)]
    expect(play(statistics, [first])).toEqual(['shift'])
    expect(statistics.held).toEqual(first)
    expect(play(statistics, [second])).toEqual(['moved'])
    const { mean } = statistics.held as Moments
    mean.forEach((value, at) => {
      expect(value).toBeCloseTo((first.mean[at]! + second.mean[at]!) / 2, 5)
    })
    play(
      statistics,
      times(200, () => batch(0.5)),
    )
    const before = (statistics.held as Moments).mean[0]!
    const last = batch(0.5)
    play(statistics, [last])
    expect((statistics.held as Moments).mean[0]).toBeCloseTo(before + 0.05 * (last.mean[0]! - before), 5)
  })

  it('begin anew at each shift, and give way to the network as packed when the world is as before', () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.array(fc.double({ min: 0.4, max: 3, noNaN: true }), { minLength: 1, maxLength: 6 }),
        (seed, sizes) => {
          const batch = world(seed)
          const statistics = new LocalStatistics(layout, packed)
          let sign = 1
          for (const size of sizes) {
            sign = -sign
            const moved = play(
              statistics,
              times(6, () => batch(sign * size)),
            )
            expect(moved).toEqual(['shift', 'moved', 'moved', 'moved', 'moved', 'moved'])
          }
          const back = play(
            statistics,
            times(10, () => batch()),
          )
          // A batch that happens to lie far is one more beginning.
          expect(['return', 'shift']).toContain(back[0])
          expect(back).toContain('return')
          expect(back.at(-1)).toBe('packed')
        },
      ),
      { numRuns: 30 },
    )
  })

  it('take no change of classes for a shift: it moves the late layers', () => {
    const batch = world(3)
    const statistics = new LocalStatistics(layout, packed)
    play(statistics, [batch(), batch()])
    expect(
      play(
        statistics,
        times(20, () => batch(1, [6, 7])),
      ),
    ).not.toContain('shift')
    expect(statistics.held).toBe('packed')
    // The same in another world, where the statistics follow.
    play(
      statistics,
      times(10, () => batch(1)),
    )
    const both = batch(1)
    const late = { mean: both.mean.slice(), variance: both.variance }
    for (let at = 6 * CHANNELS; at < late.mean.length; at++) late.mean[at]! += 2
    expect(play(statistics, [late])).toEqual(['moved'])
  })

  it('are the same whether a round comes whole or in parts, where no part shows a shift', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.double({ min: 0, max: 0.1, noNaN: true }), (seed, shift) => {
        const part = world(seed, (localStatisticsSettings.noise * FRAMES) / PART)
        const [inParts, whole] = [new LocalStatistics(layout, packed), new LocalStatistics(layout, packed)]
        for (let round = 0; round < 6; round++) {
          const parts = times(FRAMES / PART, () => part(shift))
          const sum = new MomentsSum()
          const moved = parts.map((moments) => {
            sum.add(moments, PART)
            return inParts.add(moments, moments, PART)
          })
          fc.pre(moved.slice(0, -1).every((what) => what === 'waiting'))
          const all = sum.take()
          expect(moved.at(-1)).toBe(whole.add(all, all, FRAMES))
          expect(inParts.held).toEqual(whole.held)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('begin with the first part of a round that shows a great shift, and parts count at once until they come from a round', () => {
    const part = world(10, (localStatisticsSettings.noise * FRAMES) / PART)
    const statistics = new LocalStatistics(layout, packed)
    const add = (moments: Moments, frames = PART) => statistics.add(moments, moments, frames)
    expect(times(FRAMES / PART, () => add(part()))).toEqual(['waiting', 'waiting', 'waiting', 'packed'])
    const parts = times(FRAMES / PART, () => part(1))
    expect(add(parts[0]!)).toBe('shift')
    expect(statistics.held).toEqual(parts[0])
    expect(parts.slice(1).map((moments) => add(moments))).toEqual(['moved', 'moved', 'moved'])
    const { mean } = statistics.held as Moments
    mean.forEach((value, at) => {
      expect(value).toBeCloseTo(parts.reduce((sum, moments) => sum + moments.mean[at]!, 0) / parts.length, 5)
    })
    expect(add(part(1))).toBe('waiting')
    expect(statistics.waiting).toBe(PART)
  })

  it('begin with no fewer than 16 frames, however far they are', () => {
    const far = world(11)(5)
    const statistics = new LocalStatistics(layout, packed)
    const moved = times(8, () => statistics.add(far, far, 2))
    expect(moved).toEqual([...times(7, () => 'waiting'), 'shift'])
  })

  it('learn how far batches of this stream usually lie, and then take only more for a shift', () => {
    const batch = world(4, 30 * localStatisticsSettings.noise)
    const statistics = new LocalStatistics(layout, packed)
    play(
      statistics,
      times(60, () => batch(1)),
    )
    const moved = play(
      statistics,
      times(60, () => batch(1)),
    )
    expect(moved.filter((what) => what === 'shift').length).toBeLessThanOrEqual(1)
    expect(play(statistics, [batch(3)])).toEqual(['shift'])
  })

  it('follow a world that changes slowly', () => {
    const batch = world(5)
    const statistics = new LocalStatistics(layout, packed)
    let shift = 0
    play(
      statistics,
      times(300, () => {
        shift += 0.002
        return batch(shift)
      }),
    )
    expect(statistics.held).not.toBe('packed')
    const distance = momentsDistance(statistics.held as Moments, batch(shift), layout.layers)
    expect(distance).toBeLessThan(momentsDistance(packed, batch(shift), layout.layers) / 10)
  })

  it('hold positive variances and numbers, whatever the frames are', () => {
    const numbers = fc.array(fc.float({ min: Math.fround(-1e6), max: Math.fround(1e6), noNaN: true }), {
      minLength: layout.channels,
      maxLength: layout.channels,
    })
    fc.assert(
      fc.property(fc.array(fc.tuple(numbers, numbers), { minLength: 1, maxLength: 8 }), (batches) => {
        const statistics = new LocalStatistics(layout, packed)
        for (const [mean, variance] of batches) {
          const batch = {
            mean: Float32Array.from(mean),
            variance: Float32Array.from(variance, (value) => Math.abs(value)),
          }
          statistics.add(batch, batch, FRAMES)
          const { held } = statistics
          if (typeof held !== 'object') continue
          expect(held.mean.every(Number.isFinite)).toBe(true)
          expect(held.variance.every((value) => Number.isFinite(value) && value > 0)).toBe(true)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('judge the world by the packed scales and shifts: what has been learned is no shift', () => {
    const batch = world(6)
    const statistics = new LocalStatistics(layout, packed)
    const learned = (moments: Moments) => ({ ...moments, mean: moments.mean.map((value) => 3 * value + 1) })
    for (let at = 0; at < 20; at++) {
      const seen = batch()
      expect(statistics.add(seen, learned(seen), FRAMES)).toBe('packed')
    }
    const foggy = batch(1)
    expect(statistics.add(foggy, learned(foggy), FRAMES)).toBe('shift')
    expect(statistics.held).toEqual(learned(foggy))
  })

  it('do not count frames that show few classes: where their own statistics make the answers less sure', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.double({ min: 0.14, max: 1, noNaN: true }), (seed, doubt) => {
        const part = world(seed, (localStatisticsSettings.noise * FRAMES) / PART)
        const [all, without] = [new LocalStatistics(layout, packed), new LocalStatistics(layout, packed)]
        for (let at = 0; at < 20; at++) {
          const other = part(at < 8 ? 3 : 1.1)
          expect(all.add(other, other, PART, doubt)).toBe('few-classes')
          const usual = part(at < 8 ? 0 : 1)
          expect(all.add(usual, usual, PART, 0.1)).toBe(without.add(usual, usual, PART))
          expect(all.held).toEqual(without.held)
        }
      }),
      { numRuns: 30 },
    )
  })

  it.each(['held', 'restored'])(
    'count frames of another world than that of the statistics %s, by which answers are sure and wrong',
    (how) => {
      const part = world(31, (localStatisticsSettings.noise * FRAMES) / PART)
      const foggy = part(3)
      const statistics = new LocalStatistics(layout, packed, {}, how === 'restored' ? foggy : undefined)
      if (how === 'held') expect(statistics.add(foggy, foggy, PART)).toBe('shift')
      const [near, usual] = [part(3), part()]
      expect(statistics.add(near, near, PART, 0.3)).toBe('few-classes')
      const moved = times(4, () => statistics.add(usual, usual, PART, 0.3))
      expect(moved[0]).toBe(how === 'held' ? 'shift' : 'waiting')
      expect(statistics.held).not.toEqual(foggy)
    },
  )

  it('count fewer frames unless they are the more unsure, the fewer they are, and very few always', () => {
    const far = world(12)(5)
    const moved = (frames: number, doubt: number) =>
      new LocalStatistics(layout, packed).add(far, far, frames, doubt)
    for (const [frames, most] of [
      [PART - 3, 0.16],
      [PART / 2, 0.26],
    ] as const) {
      expect(moved(frames, most - 0.01)).toBe('waiting')
      expect(moved(frames, most + 0.01)).toBe('few-classes')
    }
    expect(moved(PART / 2 - 1, 1)).toBe('waiting')
  })

  it('take frames for a shift only when they are twice as far where so few run together that few classes cannot be told', () => {
    const { noise, shift } = localStatisticsSettings
    // Of a round, which comes in parts.
    const at = (times: number) => ({
      mean: packed.mean.map(
        (mean, at) => mean + Math.sqrt((times * shift * noise * (packed.variance[at]! + 1e-5)) / FRAMES),
      ),
      variance: packed.variance,
    })
    const inParts = (times: number, part: number) => {
      const statistics = new LocalStatistics(layout, packed)
      return Array.from({ length: FRAMES / part }, () => statistics.add(at(times), at(times), part))
    }
    expect(inParts(1.6, PART)).toContain('shift')
    expect(inParts(1.6, 4)).not.toContain('shift')
    expect(inParts(3, 4)).toContain('shift')
  })

  it('go on from what was held before a start', () => {
    const batch = world(7)
    const held = batch(1)
    const statistics = new LocalStatistics(layout, packed, {}, held)
    expect(statistics.held).toEqual(held)
    expect(play(statistics, [batch()])).toEqual(['return'])
    const other = new LocalStatistics(layout, packed, {}, held)
    expect(play(other, [batch(1)])).toEqual(['moved'])
  })

  it('are built anew only when they have moved', () => {
    const batch = world(8)
    const statistics = new LocalStatistics(layout, packed)
    expect(statistics.isWorthwhile(undefined)).toBe(false)
    play(statistics, [batch()])
    expect(statistics.isWorthwhile(undefined)).toBe(true)
    expect(statistics.isWorthwhile('packed')).toBe(false)
    play(statistics, [batch(1)])
    expect(statistics.isWorthwhile('packed')).toBe(true)
    expect(statistics.isWorthwhile(statistics.held)).toBe(false)
    const before = statistics.held
    play(statistics, [batch(1), batch(1)])
    expect(statistics.isWorthwhile(before)).toBe(true)
  })
})

describe('the distance of moments', () => {
  it('does not change with the scale of a channel, and is 0 for the same', () => {
    const batch = world(9)()
    const scaled = ({ mean, variance }: Moments): Moments => ({
      mean: mean.map((value) => 100 * value),
      variance: variance.map((value) => 1e4 * value),
    })
    expect(momentsDistance(batch, batch, layout.layers)).toBe(0)
    expect(momentsDistance(scaled(batch), scaled(packed), layout.layers)).toBeCloseTo(
      momentsDistance(batch, packed, layout.layers),
      4,
    )
  })
})

describe('moments of parts', () => {
  it('together are those of the whole', () => {
    const values = fc.array(fc.float({ min: -10, max: 10, noNaN: true }), { minLength: 4, maxLength: 40 })
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 3 }), (numbers, first) => {
        const of = (part: readonly number[]): Moments => {
          const mean = part.reduce((sum, value) => sum + value, 0) / part.length
          const variance = part.reduce((sum, value) => sum + (value - mean) ** 2, 0) / part.length
          return { mean: Float32Array.of(mean), variance: Float32Array.of(variance) }
        }
        const sum = new MomentsSum()
        sum.add(of(numbers.slice(0, first)), first)
        sum.add(of(numbers.slice(first)), numbers.length - first)
        expect(sum.frames).toBe(numbers.length)
        const [whole, merged] = [of(numbers), sum.take()]
        expect(merged.mean[0]).toBeCloseTo(whole.mean[0]!, 3)
        expect(merged.variance[0]).toBeCloseTo(whole.variance[0]!, 3)
        expect(sum.frames).toBe(0)
      }),
    )
  })
})
