import { describe, expect, it } from 'vitest'
import { corruptImages } from '../corruptions/corrupt.ts'
import { naturalImages } from '../corruptions/natural-images.test.fixture.ts'
import { seededRandom } from '../random.ts'
import { classOrder, dirichlet } from './class-order.ts'
import { type ShiftStreamOptions, type StreamBatch, shiftStream } from './shift-stream.ts'

const images = naturalImages(50, 8, 8)
const types = ['gaussian_noise', 'fog', 'jpeg_compression'] as const
const bad = expect.objectContaining({ code: 'BAD_OPTION' })
const batchesOf = (options: ShiftStreamOptions): StreamBatch[] => [
  ...shiftStream(images, { types, ...options }),
]
const runsOf = (labels: readonly number[]) => labels.filter((label, k) => label !== labels[k - 1]).length

describe('a stream of shifts', () => {
  it('shows every image under every type and severity in turn, each batch of one kind', () => {
    const stream = shiftStream(images, { shifts: 'continual', types, severities: [3, 5], batchSize: 16 })
    const batches = [...stream]
    expect(stream.count).toBe(300)
    expect(batches.length).toBe(stream.batchCount)
    expect(batches.map(({ items }) => items.length).slice(0, 5)).toEqual([16, 16, 16, 2, 16])
    for (let shift = 0; shift < 6; shift++) {
      const items = batches.filter((batch) => batch.shift === shift).flatMap((batch) => batch.items)
      const { type, severity } = stream.corruptions[shift]!
      expect([type, severity]).toEqual([types[shift >> 1], shift % 2 ? 5 : 3])
      expect(items.every((item) => item.type === type && item.severity === severity)).toBe(true)
      expect(items.map(({ index }) => index).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 50 }, (_, k) => k),
      )
    }
  })

  it('gives the pixels that corruptImages gives, with their labels', () => {
    for (const shifts of ['continual', 'mixed'] as const) {
      for (const { images: damaged, items } of batchesOf({ shifts, batchSize: 7, seed: 4 })) {
        items.forEach(({ index, label, type, severity }, k) => {
          const expected = corruptImages(images, { type, severity }, 4).pixels
          expect(damaged.pixels.slice(k * 192, (k + 1) * 192)).toEqual(
            expected.slice(index * 192, (index + 1) * 192),
          )
          expect([label, damaged.labels[k]]).toEqual([images.labels[index], images.labels[index]])
        })
      }
    }
  })

  it('asks to start anew with each shift, or once', () => {
    const resets = (shifts: ShiftStreamOptions['shifts']) =>
      batchesOf({ shifts, batchSize: 25 }).map(({ reset }) => reset)
    expect(resets('reset-per-shift')).toEqual([true, false, true, false, true, false])
    expect(resets('continual')).toEqual([true, false, false, false, false, false])
    expect(resets('mixed')).toEqual([true, false])
  })

  it('mixes types and severities image by image, all of them in time', () => {
    const items = batchesOf({ shifts: 'mixed', severities: [1, 5] }).flatMap((batch) => batch.items)
    expect(items.length).toBe(50)
    expect(new Set(items.map(({ type, severity }) => `${type} ${severity}`)).size).toBe(6)
  })

  it('takes batches of one, and damages nothing before it is asked', () => {
    const batches = batchesOf({ shifts: 'continual', batchSize: 1 })
    expect(batches.length).toBe(150)
    expect(batches.every(({ images: { count } }) => count === 1)).toBe(true)
    // A loop that stops early: the second type would fail on these pixels.
    const taken: StreamBatch[] = []
    for (const batch of shiftStream(images, { shifts: 'continual', types, batchSize: 1 })) {
      taken.push(batch)
      if (taken.length === 3) break
    }
    expect(taken).toEqual(batches.slice(0, 3))
  })

  it('repeats itself by its seed', () => {
    const stream = shiftStream(images, { shifts: 'mixed', types, seed: 8 })
    expect([...stream]).toEqual([...stream])
    expect(batchesOf({ shifts: 'mixed', seed: 9 })).not.toEqual([...stream])
  })

  it('refuses what it cannot do before the first batch', () => {
    expect(() => shiftStream(images, { shifts: 'often' as 'mixed' })).toThrow(bad)
    expect(() => shiftStream(images, { shifts: 'mixed', batchSize: 0 })).toThrow(bad)
    expect(() => shiftStream(images, { shifts: 'mixed', types: [] })).toThrow(bad)
    expect(() => shiftStream(images, { shifts: 'mixed', types: ['fogg' as 'fog'] })).toThrow(/fog/)
    expect(() => shiftStream(images, { shifts: 'mixed', classes: { concentration: 0 } })).toThrow(bad)
    expect(() => shiftStream({ ...images, count: 49 }, { shifts: 'mixed' })).toThrow(bad)
  })
})

describe('the order of classes', () => {
  const labels = Uint8Array.from({ length: 2000 }, (_, k) => k % 10)
  const order = (classes: Parameters<typeof classOrder>[1], seed = 1) => {
    const indices = classOrder(labels, classes, seededRandom(seed))
    expect(new Set(indices).size).toBe(2000)
    return Array.from(indices, (index) => labels[index]!)
  }

  it('is one class after the other when sorted, a new order within', () => {
    expect(runsOf(order('sorted'))).toBe(10)
    expect(classOrder(labels, 'sorted', seededRandom(1))[0]).not.toBe(
      classOrder(labels, 'sorted', seededRandom(2))[0],
    )
  })

  it('lies between sorted and evenly dealt by its concentration', () => {
    // The share of the commonest class among 200 successive images.
    const purity = (sequence: number[]) => {
      let sum = 0
      for (let first = 0; first < 2000; first += 200) {
        const counts = new Uint32Array(10)
        for (const label of sequence.slice(first, first + 200)) counts[label] = counts[label]! + 1
        sum += Math.max(...counts) / 200
      }
      return sum / 10
    }
    const pure = [0.001, 0.1, 1, 1000].map((concentration) => purity(order({ concentration })))
    for (let k = 1; k < pure.length; k++) expect(pure[k], pure.join(' ')).toBeLessThan(pure[k - 1]!)
    expect(pure[0]).toBeGreaterThan(0.75)
    expect(pure[3]).toBeLessThan(0.15)
    // Ten slots of up to ten runs.
    expect(runsOf(order({ concentration: 0.1 }))).toBeLessThanOrEqual(100)
  })

  it('draws shares that have the moments of a Dirichlet distribution', () => {
    const random = seededRandom(2)
    for (const concentration of [0.1, 2]) {
      const draws = Array.from({ length: 4000 }, () => dirichlet(concentration, 4, random))
      for (const shares of draws) expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10)
      const first = draws.map(([share]) => share!)
      const mean = first.reduce((sum, share) => sum + share, 0) / first.length
      const variance = first.reduce((sum, share) => sum + (share - mean) ** 2, 0) / first.length
      expect(mean).toBeCloseTo(0.25, 1)
      const expected = (0.25 * 0.75) / (4 * concentration + 1)
      expect(Math.abs(variance / expected - 1)).toBeLessThan(0.12)
    }
  })
})
