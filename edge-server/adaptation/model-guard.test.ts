import { describe, expect, it } from 'vitest'
import { type Answers, type Evidence, judgeCandidate, totalVariation } from './model-guard.ts'

const CLASSES = 10
const answers = (count: number, label: (at: number) => number, entropy = 0.4): Answers => ({
  labels: Array.from({ length: count }, (_, at) => label(at)),
  entropy: new Float32Array(count).fill(entropy),
})
const mixed = answers(100, (at) => at % CLASSES)
const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
  classes: CLASSES,
  recent: { candidate: mixed, reference: mixed, teacher: mixed },
  ...changes,
})

describe('the guard', () => {
  it('lets a candidate go that answers like the foundation', () => {
    expect(judgeCandidate(evidence())).toMatchObject({ good: true, reason: undefined })
  })

  it('stops one for which everything is one class', () => {
    const collapsed = { candidate: answers(100, () => 3, 0.2), reference: mixed, teacher: mixed }
    expect(judgeCandidate(evidence({ recent: collapsed }))).toMatchObject({
      good: false,
      reason: 'histogram-collapse',
      detail: 'label histograms on uploads are 0.90 apart',
    })
  })

  it('does not take a stream that holds one class for a collapse', () => {
    const one = answers(100, () => 3)
    expect(judgeCandidate(evidence({ recent: { candidate: one, reference: one, teacher: one } })).good).toBe(
      true,
    )
  })

  it('does not hold a candidate to a packed foundation that knows no better, when its teacher agrees', () => {
    const lost = answers(100, (at) => at % 2)
    const recent = { candidate: mixed, reference: lost, teacher: mixed }
    expect(judgeCandidate(evidence({ recent })).good).toBe(true)
  })

  it('stops one that has collapsed together with its teacher', () => {
    const one = answers(100, () => 3)
    const recent = { candidate: one, reference: mixed, teacher: one }
    expect(judgeCandidate(evidence({ recent })).reason).toBe('histogram-collapse')
  })

  it('stops one that is sure of everything', () => {
    const sure = answers(100, (at) => at % CLASSES, 0.004)
    expect(
      judgeCandidate(evidence({ recent: { candidate: sure, reference: mixed, teacher: mixed } })).reason,
    ).toBe('entropy-collapse')
  })

  it('draws no conclusion from a handful of uploads', () => {
    const usual = answers(63, (at) => at % CLASSES)
    const few = { candidate: answers(63, () => 3, 0), reference: usual, teacher: usual }
    expect(judgeCandidate(evidence({ recent: few })).good).toBe(true)
  })

  it('stops one that has forgotten clean images, by more than chance explains', () => {
    const probe = (count: number, wrong: number): Evidence => {
      const truth = Array.from({ length: count }, (_, at) => at % CLASSES)
      const packed = answers(count, (at) => (at < count / 10 ? (at + 1) % CLASSES : at % CLASSES))
      const candidate = answers(count, (at) => (at < count / 10 + wrong ? (at + 1) % CLASSES : at % CLASSES))
      return evidence({ probe: { candidate, packed, truth } })
    }
    expect(judgeCandidate(probe(1000, 25))).toMatchObject({ good: false, reason: 'probe-drop' })
    expect(judgeCandidate(probe(1000, 15)).good).toBe(true)
    // Of 100 images, 5 points are less than two standard errors.
    expect(judgeCandidate(probe(100, 5)).good).toBe(true)
    expect(judgeCandidate(probe(100, 8)).good).toBe(false)
  })

  it('measures how far apart two histograms are', () => {
    expect(totalVariation([0, 0, 1, 1], [0, 1, 0, 1], 2)).toBe(0)
    expect(totalVariation([0, 0], [1, 1, 1], 2)).toBe(1)
    expect(totalVariation([0, 0, 0, 1], [0, 1, 0, 1], 2)).toBeCloseTo(0.25)
  })
})
