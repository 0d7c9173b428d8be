import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rocAuc, rocCurve, thresholdAtRecall } from './index.ts'

/** Scores with many ties, each with its kind. */
const examples = fc.array(fc.tuple(fc.integer({ min: -4, max: 4 }), fc.boolean()), {
  minLength: 2,
  maxLength: 60,
})
const parts = (pairs: readonly (readonly [number, boolean])[]) => ({
  scores: pairs.map(([score]) => score),
  positive: pairs.map(([, isPositive]) => isPositive),
})
const ofBothKinds = examples.map(parts).filter(({ positive }) => new Set(positive).size === 2)

const code = (name: string) => expect.objectContaining({ name: 'IsthmusError', code: name })

describe('a ROC', () => {
  it('is what one reads off by hand', () => {
    expect(rocCurve([0.9, 0.8, 0.8, 0.1], [1, 1, 0, 0])).toEqual([
      { threshold: Number.POSITIVE_INFINITY, recall: 0, falseAlarms: 0 },
      { threshold: 0.9, recall: 0.5, falseAlarms: 0 },
      { threshold: 0.8, recall: 1, falseAlarms: 0.5 },
      { threshold: 0.1, recall: 1, falseAlarms: 1 },
    ])
  })

  it('rises from nothing to everything', () => {
    fc.assert(
      fc.property(ofBothKinds, ({ scores, positive }) => {
        const points = rocCurve(scores, positive)
        expect(points[0]).toMatchObject({ recall: 0, falseAlarms: 0 })
        expect(points.at(-1)).toMatchObject({ recall: 1, falseAlarms: 1 })
        points.slice(1).forEach((point, i) => {
          expect(point.threshold).toBeLessThan(points[i]!.threshold)
          expect(point.recall).toBeGreaterThanOrEqual(points[i]!.recall)
          expect(point.falseAlarms).toBeGreaterThanOrEqual(points[i]!.falseAlarms)
        })
      }),
    )
  })

  it('knows nothing of a kind that it has not seen', () => {
    expect(rocCurve([0.5], [true]).at(-1)).toEqual({ threshold: 0.5, recall: 1, falseAlarms: Number.NaN })
    expect(() => rocAuc([0.5, 0.6], [true, true])).toThrow(code('TOO_FEW_EXAMPLES'))
    expect(() => rocAuc([], [])).toThrow(code('TOO_FEW_EXAMPLES'))
  })
})

describe('the area under a ROC', () => {
  it('is how often a positive scores higher than a negative, ties counted half', () => {
    fc.assert(
      fc.property(ofBothKinds, ({ scores, positive }) => {
        let wins = 0
        let pairs = 0
        scores.forEach((score, i) => {
          scores.forEach((other, j) => {
            if (!positive[i] || positive[j]) return
            pairs++
            wins += score > other ? 1 : score === other ? 0.5 : 0
          })
        })
        expect(rocAuc(scores, positive)).toBeCloseTo(wins / pairs, 10)
      }),
    )
  })

  it('does not care for the scale of the scores', () => {
    fc.assert(
      fc.property(ofBothKinds, ({ scores, positive }) => {
        const other = scores.map((score) => Math.exp(score) - 7)
        expect(rocAuc(other, positive)).toBeCloseTo(rocAuc(scores, positive), 10)
      }),
    )
  })
})

describe('the threshold at a recall', () => {
  it('reaches the recall, and no stricter one does', () => {
    fc.assert(
      fc.property(
        ofBothKinds,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        ({ scores, positive }, recall) => {
          const { threshold, recall: reached } = thresholdAtRecall(scores, positive, recall)
          const recallAt = (least: number) => {
            const found = scores.filter((score, i) => positive[i] && score >= least)
            return found.length / positive.filter(Boolean).length
          }
          expect(reached).toBe(recallAt(threshold))
          expect(reached).toBeGreaterThanOrEqual(recall)
          const stricter = Math.min(...scores.filter((score) => score > threshold))
          expect(recallAt(stricter)).toBeLessThan(recall)
        },
      ),
    )
  })

  it('finds 9 of 10 by default', () => {
    const scores = [0.01, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.15]
    const positive = [...new Array(10).fill(true), false]
    expect(thresholdAtRecall(scores, positive)).toEqual({ threshold: 0.2, recall: 0.9, falseAlarms: 0 })
  })

  it('works with a single frame of interest, and with nothing else', () => {
    expect(thresholdAtRecall([0.3], [1])).toMatchObject({ threshold: 0.3, recall: 1 })
    expect(() => thresholdAtRecall([0.3], [0])).toThrow(code('TOO_FEW_EXAMPLES'))
  })

  it.each([0, -1, 1.01, Number.NaN])('refuses a recall of %s', (recall) => {
    expect(() => thresholdAtRecall([0.3], [1], recall)).toThrow(code('BAD_OPTION'))
  })

  it('refuses scores that are no numbers, and labels for other scores', () => {
    expect(() => thresholdAtRecall([0.3, Number.NaN], [1, 0])).toThrow(code('NOT_FINITE'))
    expect(() => rocCurve([0.3, Number.POSITIVE_INFINITY], [1, 0])).toThrow(code('NOT_FINITE'))
    expect(() => rocCurve([0.3], [1, 0])).toThrow(code('BAD_OPTION'))
  })
})
