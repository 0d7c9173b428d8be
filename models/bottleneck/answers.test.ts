import { describe, expect, it } from 'vitest'
import { GraphBuilder } from '../onnx/index.ts'
import { answerKind, asProbabilities, bestClass, classCount } from './answers.ts'
import { guessScale, informationScore } from './guess-scale.ts'
import { splitPhotos, usualHeldOut } from './split-photos.ts'

const { graph } = (() => {
  const g = new GraphBuilder('scores')
  g.output(g.op('Relu', [g.input('x', 'float32', ['N', 3])]), 'y')
  return g.build()
})()

const kind = (...answers: number[][]) =>
  answerKind(
    graph,
    answers.map((values) => Float32Array.from(values)),
  )

describe('what a teacher answers', () => {
  it('are probabilities when each answer adds up to 1, scores when they stay in 0 to 1, else logits', () => {
    expect(kind([0.2, 0.8], [0.5, 0.5])).toBe('probabilities')
    expect(kind([0.9, 0.8], [0.5, 0.5])).toBe('scores')
    expect(kind([0.9, -0.8])).toBe('logits')
  })

  it('must be numbers, one for each class', () => {
    expect(() => kind([Number.NaN, 1])).toThrow(expect.objectContaining({ code: 'NOT_A_CLASSIFIER' }))
    expect(classCount('y', [10])).toBe(10)
    expect(classCount('y', [10, 1, 1])).toBe(10)
    for (const dims of [[1], [10, 7, 7], []]) {
      expect(() => classCount('y', dims)).toThrow(expect.objectContaining({ code: 'NOT_A_CLASSIFIER' }))
    }
  })

  it('become probabilities however large they are', () => {
    const [low, high] = asProbabilities(Float32Array.of(1000, 1001), 'logits')
    expect(low! + high!).toBeCloseTo(1, 6)
    expect(high! / low!).toBeCloseTo(Math.E, 4)
    expect(bestClass(Float32Array.of(1, 3, 3))).toBe(1)
  })
})

describe('the scale of pixels', () => {
  it('is the one whose answers are sure and differ from photo to photo', async () => {
    const sureAndDifferent = [Float32Array.of(1, 0, 0), Float32Array.of(0, 1, 0), Float32Array.of(0, 0, 1)]
    const unsure = sureAndDifferent.map(() => Float32Array.of(0.4, 0.3, 0.3))
    const alwaysTheSame = sureAndDifferent.map(() => Float32Array.of(1, 0, 0))
    expect(informationScore(sureAndDifferent)).toBeCloseTo(3, 6)
    expect(informationScore(unsure)).toBeCloseTo(1, 6)
    expect(informationScore(alwaysTheSame)).toBeCloseTo(1, 6)
    const guesses = await guessScale(async ({ mean }) => (mean[0] === 0.5 ? sureAndDifferent : unsure))
    expect(guesses[0]?.scale).toBe('-1..1')
  })
})

describe('photos that are kept back', () => {
  const photos = Array.from({ length: 700 }, (_, i) => `${i}`)

  it('are spread over the list, and never trained on', () => {
    const { train, heldOut } = splitPhotos(photos, usualHeldOut(700))
    expect([train.length, heldOut.length]).toEqual([600, 100])
    expect(heldOut.slice(0, 3)).toEqual(['3', '10', '17'])
    expect(train.some((photo) => heldOut.includes(photo))).toBe(false)
  })

  it('are one at least, and leave two to train on', () => {
    expect(splitPhotos(photos.slice(0, 3), usualHeldOut(3)).train).toHaveLength(2)
    for (const [count, kept] of [
      [0, 1],
      [1, 1],
      [2, 1],
      [5, 4],
    ] as const) {
      expect(() => splitPhotos(photos.slice(0, count), kept)).toThrow(
        expect.objectContaining({ code: 'TOO_FEW_PHOTOS' }),
      )
    }
  })
})
