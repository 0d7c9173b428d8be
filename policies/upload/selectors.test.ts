import { describe, expect, it } from 'vitest'
import {
  allowedInputs,
  cemaReleaseSelector,
  DiversityFilter,
  MostUncertainFirst,
  type SeenSample,
  selectorNamed,
  selectorNames,
  UploadQueue,
  UtilityPerByte,
} from './index.ts'

const oneHot = (at: number, classes = 3) =>
  Float32Array.from({ length: classes }, (_, i) => (i === at ? 1 : 0))
const seen = (entropy: number, more: Partial<SeenSample> = {}): SeenSample => ({
  entropy,
  probabilities: oneHot(0),
  bytes: 3072,
  budgetLeft: 1,
  ...more,
})

describe('the diversity filter', () => {
  it('lets the first batch pass whole, then what is unlike the mean of those kept', () => {
    const filter = new DiversityFilter(0.4)
    expect(filter.keep([oneHot(0), oneHot(0)])).toEqual([true, true])
    expect(filter.keep([oneHot(0), oneHot(1)])).toEqual([false, true])
    // m = 0.9 · (1, 0, 0) + 0.1 · (0, 1, 0): the cosine with class 1 is 0.11, with class 0 0.99.
    expect(filter.keep([oneHot(1)])).toEqual([true])
  })

  it('moves the mean by a tenth of the kept ones, and not at all when none is kept', () => {
    const filter = new DiversityFilter(0.1)
    filter.keep([oneHot(0)])
    filter.keep([oneHot(0)])
    // Still (1, 0, 0); after one more it is (0.9, 0.1, 0): cosine 0.11043 with class 1, no longer below 0.1.
    expect(filter.keep([oneHot(1)])).toEqual([true])
    expect(filter.keep([oneHot(1)])).toEqual([false])
    expect(new DiversityFilter(0.11).keep([oneHot(0)])).toEqual([true])
  })

  it('has a strict margin', () => {
    const filter = new DiversityFilter(1)
    filter.keep([oneHot(0)])
    expect(filter.keep([oneHot(0)])).toEqual([false])
  })
})

describe('the rules of the released code', () => {
  it('have no lower bound and a fixed upper one, then the cosine', () => {
    const rule = cemaReleaseSelector(3)
    for (let sample = 0; sample < 2000; sample++) rule.judge(seen(1.09))
    expect(rule.threshold.value).toBeCloseTo(0.4 * Math.log(3), 12)
    expect(rule.judge(seen(0))).toEqual({ upload: true, worth: 0 })
    expect(rule.judge(seen(0))).toEqual({ upload: false, why: 'similar' })
    expect(rule.judge(seen(1))).toEqual({ upload: false, why: 'unreliable' })
    expect(rule.judge(seen(0, { probabilities: oneHot(1) }))).toEqual({ upload: true, worth: 0 })
  })

  it('do not let an answer that entropy has turned down into the mean', () => {
    const rule = cemaReleaseSelector(3)
    rule.judge(seen(0))
    rule.judge(seen(1, { probabilities: oneHot(2) }))
    expect(rule.judge(seen(0, { probabilities: oneHot(2) }))).toMatchObject({ upload: true })
  })

  it('have a margin of 0.4 where classes are few, and of 0.05 for a thousand', () => {
    const half = (classes: number) => {
      const rule = cemaReleaseSelector(classes)
      rule.judge(seen(0, { probabilities: oneHot(0, classes) }))
      // Cosine 0.2 with the mean.
      const slanted = oneHot(1, classes)
      slanted[0] = 0.2
      return rule.judge(seen(0, { probabilities: slanted })).upload
    }
    expect(half(10)).toBe(true)
    expect(half(1000)).toBe(false)
  })
})

describe('most uncertain first', () => {
  it('sends the most uncertain share of the last frames, and those before others', () => {
    const rule = new MostUncertainFirst({ share: 0.2, window: 100 })
    for (let sample = 0; sample < 100; sample++) rule.judge(seen(sample / 100))
    expect(rule.judge(seen(0.95))).toEqual({ upload: true, worth: 0.95 })
    expect(rule.judge(seen(0.5))).toEqual({ upload: false, why: 'ranked-out' })
    const queue = new UploadQueue<number>({ entries: 2 })
    for (const entropy of [0.9, 2, 1.5]) queue.add(entropy, 1, entropy)
    expect([queue.shift(), queue.shift()]).toEqual([2, 1.5])
  })

  it('sends about its share of a long stream', () => {
    const rule = new MostUncertainFirst({ share: 0.25 })
    let sent = 0
    for (let sample = 0; sample < 4000; sample++)
      if (rule.judge(seen((sample * 0.61803398875) % 1)).upload) sent++
    expect(sent / 4000).toBeGreaterThan(0.2)
    expect(sent / 4000).toBeLessThan(0.3)
  })
})

describe('utility per byte', () => {
  it('prefers what teaches most for its bytes', () => {
    const rule = new UtilityPerByte({ classes: 10 })
    const worth = (entropy: number, bytes: number) => {
      const verdict = rule.judge(seen(entropy, { bytes, budgetLeft: 1 }))
      return verdict.upload ? verdict.worth : 0
    }
    expect(worth(0.9, 1000)).toBeGreaterThan(worth(0.9, 1500))
    expect(worth(0.9, 1000)).toBeGreaterThan(worth(0.6, 1000))
    expect(rule.use(1)).toBeCloseTo(1, 12)
    expect(rule.use(0)).toBe(0)
    expect(rule.judge(seen(0))).toEqual({ upload: false, why: 'ranked-out' })
  })

  it('asks a higher price while the budget is scarce, and comes back when it is not', () => {
    const rule = new UtilityPerByte({ classes: 10 })
    expect(rule.judge(seen(0.8)).upload).toBe(true)
    const first = rule.price
    for (let sample = 0; sample < 200; sample++) rule.judge(seen(0.8, { budgetLeft: 0 }))
    expect(rule.price).toBeGreaterThan(10 * first)
    expect(rule.judge(seen(0.8)).upload).toBe(false)
    for (let sample = 0; sample < 400; sample++) rule.judge(seen(0.8))
    expect(rule.judge(seen(0.8)).upload).toBe(true)
  })
})

describe('every selector', () => {
  it.each(selectorNames)('gives a verdict on any answer: %s', (name) => {
    const selector = selectorNamed(name, 3)
    expect(selector.name).toBe(name)
    for (const entropy of [0, 0.01, 0.3, 1.0986, 0.2])
      for (const budgetLeft of [0, 1]) {
        const verdict = selector.judge(seen(entropy, { budgetLeft }))
        if (verdict.upload) expect(verdict.worth).toSatisfy(Number.isFinite)
        else expect(verdict.why).toMatch(/^(certain|unreliable|similar|ranked-out)$/)
      }
  })
})

describe('privacy', () => {
  it('lets nothing out, or latents alone, or pictures too', () => {
    expect(allowedInputs('nothing')).toEqual([])
    expect(allowedInputs('latents')).toEqual(['latent'])
    expect(allowedInputs('raw')).toEqual(['pixels', 'latent'])
  })
})
