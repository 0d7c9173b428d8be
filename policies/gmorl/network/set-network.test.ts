import { openSession } from '@isthmus/models/runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RandomStream } from '../../env/index.ts'
import { networkOf, policyModel } from './policy-model.ts'
import { initialWeights, type SetNetworkShape } from './set-network.ts'
import { SetScorer } from './set-scorer.ts'

const shape: SetNetworkShape = { rowLength: 9, contextLength: 5, hidden: 16, outputs: 1 }

/** Weights with nothing left at zero. */
function someWeights(seed: number): Map<string, Float32Array> {
  const random = new RandomStream(seed)
  const weights = initialWeights(shape, random, 1)
  for (const values of weights.values()) {
    for (let at = 0; at < values.length; at++) values[at]! += 0.2 * random.normal()
  }
  return weights
}

const numbers = (random: RandomStream, count: number) =>
  Float32Array.from({ length: count }, () => (random.uniform() < 0.3 ? 0 : random.normal()))

describe('set network', () => {
  it('scores the same by itself, as an exported model, and beside empty places', async () => {
    const weights = someWeights(1)
    const session = await openSession(policyModel({ shape, weights }))
    const scorer = new SetScorer(shape, weights)
    const random = new RandomStream(2)
    for (let run = 0; run < 200; run++) {
      const candidates = 1 + random.below(12)
      const places = candidates + random.below(3)
      const rows = numbers(random, places * shape.rowLength)
      const context = numbers(random, shape.contextLength)
      const mask = new Float32Array(places).fill(1, 0, candidates)
      const scores = new Float32Array(candidates)
      scorer.score(rows, context, candidates, scores)
      const { scores: exported } = await session.run({
        rows: { dtype: 'float32', dims: [1, places, shape.rowLength], data: rows },
        context: { dtype: 'float32', dims: [1, shape.contextLength], data: context },
        mask: { dtype: 'float32', dims: [1, places], data: mask },
      })
      for (let at = 0; at < candidates; at++) {
        expect(Math.abs(scores[at]! - (exported!.data[at] as number))).toBeLessThan(2e-5)
      }
    }
    await session.dispose()
  })

  it('does not care for the order of the candidates', () => {
    const scorer = new SetScorer(shape, someWeights(3))
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 10 }), (seed, candidates) => {
        const random = new RandomStream(seed)
        const rows = numbers(random, candidates * shape.rowLength)
        const context = numbers(random, shape.contextLength)
        const reversed = new Float32Array(rows.length)
        for (let at = 0; at < candidates; at++) {
          reversed.set(
            rows.subarray(at * shape.rowLength, (at + 1) * shape.rowLength),
            (candidates - 1 - at) * shape.rowLength,
          )
        }
        const scores = new Float32Array(candidates)
        const others = new Float32Array(candidates)
        scorer.score(rows, context, candidates, scores)
        scorer.score(reversed, context, candidates, others)
        for (let at = 0; at < candidates; at++)
          expect(others[candidates - 1 - at]).toBeCloseTo(scores[at]!, 4)
      }),
    )
  })

  it('begins as the rule that takes what is best on its face', () => {
    const scorer = new SetScorer(shape, initialWeights(shape, new RandomStream(4), 1))
    const rows = numbers(new RandomStream(5), 6 * shape.rowLength)
    const scores = new Float32Array(6)
    scorer.score(rows, new Float32Array(shape.contextLength), 6, scores)
    expect([...scores]).toEqual(Array.from({ length: 6 }, (_, at) => rows[at * shape.rowLength]))
  })

  it('gives its weights back from the exported model, and refuses others', () => {
    const weights = someWeights(6)
    const bytes = policyModel({ shape, weights })
    expect(networkOf(bytes, shape).weights).toEqual(weights)
    expect(() => networkOf(bytes, { ...shape, hidden: 8 })).toThrow(/rows.weight is 9 × 16, not 9 × 8/)
    expect(() => networkOf(bytes.subarray(0, 50), shape)).toThrow(
      expect.objectContaining({ code: 'BAD_POLICY' }),
    )
    weights.get('output.bias')![0] = Number.NaN
    expect(() => networkOf(policyModel({ shape, weights }), shape)).toThrow(/output.bias is not finite/)
  })
})
