import { seededRandom } from '@isthmus/models/data'
import { describe, expect, it } from 'vitest'
import { answerEntropy, CemaSelector, cemaSelector, EntropyThreshold, entropyOf } from './index.ts'

const probabilities = new Float32Array(10)
const seen = (entropy: number) => ({ entropy, probabilities, bytes: 3072, budgetLeft: 1 })

describe('the entropy of an answer', () => {
  it.each([2, 10, 1000])(
    'is ln C for equal logits of %i classes and 0 for one that stands alone',
    (classes) => {
      const equal = answerEntropy(new Float32Array(classes).fill(3.5), 'logits')
      expect(equal.entropy).toBeCloseTo(Math.log(classes), 9)
      const alone = new Float32Array(classes)
      alone[1] = 60
      expect(answerEntropy(alone, 'logits').entropy).toBeLessThan(1e-6)
      expect(answerEntropy(alone.fill(0).fill(1, 0, 1), 'probabilities').entropy).toBe(0)
      expect(entropyOf(new Float32Array(classes).fill(1 / classes))).toBeCloseTo(Math.log(classes), 5)
    },
  )

  it('stays a number at logits of ±10,000', () => {
    const { entropy, probabilities } = answerEntropy(Float32Array.of(1e4, -1e4, 1e4), 'logits')
    expect(entropy).toBeCloseTo(Math.LN2, 9)
    expect([...probabilities]).toEqual([0.5, 0, 0.5])
    expect(answerEntropy(new Float32Array(4).fill(-1e4), 'logits').entropy).toBeCloseTo(Math.log(4), 9)
  })
})

describe('the thresholds', () => {
  it.each([
    [10, 0.92103, 0.04605],
    [100, 1.84207, 0.0921],
    [1000, 2.7631, 0.13816],
  ])('are multiples of ln C: %i classes', (classes, highest, lowest) => {
    const rule = cemaSelector(classes)
    expect(rule.threshold.value).toBeCloseTo(highest, 4)
    expect(rule.lowest).toBeCloseTo(lowest, 4)
  })

  it('let a sample pass strictly between them, and neither at them', () => {
    const { lowest, threshold } = cemaSelector(10)
    const highest = threshold.value
    const cases = [
      [0, 'certain'],
      [lowest, 'certain'],
      [lowest + 1e-9, undefined],
      [0.5, undefined],
      [highest - 1e-9, undefined],
      [highest, 'unreliable'],
      [2.3, 'unreliable'],
      [Number.NaN, 'unreliable'],
    ] as const
    for (const [entropy, why] of cases) {
      const verdict = new CemaSelector({ classes: 10, warmUp: Number.POSITIVE_INFINITY }).judge(seen(entropy))
      expect(verdict, String(entropy)).toEqual(why ? { upload: false, why } : { upload: true, worth: 0 })
    }
  })

  it('follow the mean entropy of all samples: half of it halves E_max', () => {
    const rule = new CemaSelector({ classes: 10, warmUp: 100 })
    const before = rule.threshold.value
    for (let sample = 0; sample < 100; sample++) rule.judge(seen(2))
    expect(rule.threshold.value).toBeCloseTo(before, 12)
    // None of these is sent, and they count: the mean of all goes from 2 to 1.
    for (let sample = 0; sample < 100; sample++) rule.judge(seen(0))
    expect(rule.threshold.value).toBeCloseTo(before / 2, 12)
  })

  it('agree with the recurrence E(t) = E(t − 1) · Ē(t) / Ē(t − 1) when λ is 1', () => {
    const random = seededRandom(5)
    const threshold = new EntropyThreshold({ classes: 10, warmUp: 1, floor: 1e-9, ceiling: 1e6 })
    let [count, mean, recurrent, apart] = [0, 0, threshold.value, 0]
    for (let step = 0; step < 10_000; step++) {
      const entropy = Math.log(10) * random.uniform()
      const last = mean
      mean = (mean * count + entropy) / (count + 1)
      if (count > 0) recurrent *= mean / last
      count++
      threshold.add(entropy)
      apart = Math.max(apart, Math.abs(threshold.value - recurrent))
    }
    expect(apart).toBeLessThan(1e-9)
  })

  it.each([0.6, 1.3, 1e-5, 1e5])('neither die away nor explode in 100,000 steps with λ = %d', (factor) => {
    const random = seededRandom(6)
    const threshold = new EntropyThreshold({ classes: 10, factor, warmUp: 10 })
    const scales = [1e-12, 1e-3, 1, 1]
    let outside = 0
    for (let step = 0; step < 100_000; step++) {
      threshold.add(Math.log(10) * random.uniform() * scales[((step / 1000) % 4) | 0]!)
      const multiple = threshold.value / Math.log(10)
      if (!(multiple >= 0.04 - 1e-12 && multiple <= 0.8 + 1e-12)) outside++
    }
    expect(outside).toBe(0)
  })

  it('have λ act once', () => {
    const value = (factor: number, samples: number) => {
      const threshold = new EntropyThreshold({ classes: 10, factor, warmUp: 10 })
      for (let sample = 0; sample < samples; sample++) threshold.add(1)
      return threshold.value
    }
    expect(value(0.6, 9)).toBeCloseTo(0.921034, 5)
    expect(value(0.6, 10)).toBeCloseTo(0.6 * 0.921034, 5)
    expect(value(0.6, 5000)).toBeCloseTo(0.6 * 0.921034, 5)
  })

  it('go on where they were when their state is restored, and refuse what none can have been', () => {
    const first = new EntropyThreshold({ classes: 10, warmUp: 2 })
    for (const entropy of [1, 1, 0.1]) first.add(entropy)
    const second = new EntropyThreshold({ classes: 10, warmUp: 2 })
    second.restore(JSON.parse(JSON.stringify(first.state)))
    expect(second.value).toBe(first.value)
    const bad = expect.objectContaining({ code: 'BAD_OPTION' })
    expect(() => second.restore({ count: -1, mean: 0, warmMean: undefined })).toThrow(bad)
    expect(() => second.restore({ count: 1, mean: Number.NaN, warmMean: undefined })).toThrow(bad)
    expect(() => second.restore({ count: 1, mean: 1, warmMean: 0 })).toThrow(bad)
    expect(() => new EntropyThreshold({ classes: 1 })).toThrow(bad)
    expect(() => new EntropyThreshold({ classes: 10, highest: 2 })).toThrow(bad)
  })

  it('stand after a warm-up of answers without any doubt', () => {
    const threshold = new EntropyThreshold({ classes: 10, warmUp: 4 })
    for (let sample = 0; sample < 4; sample++) threshold.add(0)
    threshold.add(1)
    expect(threshold.value).toBeCloseTo(0.8 * Math.log(10), 9)
  })
})
