import { describe, expect, it } from 'vitest'
import type { CutCost } from '../onnx/index.ts'
import { pairShape } from './geometry.ts'
import { type Candidate, matchedCuts, proposedCut, unfitReason } from './propose.ts'

const at = (
  tensor: string,
  channels: number,
  side: number,
  share: number,
  more: Partial<Candidate> = {},
): Candidate => ({
  cut: {
    tensor,
    op: 'Relu',
    dtype: 'float32',
    dims: [1, channels, side, side],
    headMacs: 1e9 * share,
    headShare: share,
    rawBytes: 4 * channels * side * side,
    uint8Bytes: channels * side * side,
  },
  headMs: 100 * share,
  obstacle: undefined,
  ...more,
})

/** As Inception V3 has them. */
const inception = [
  at('stem', 64, 147, 0.108),
  at('pooled', 192, 35, 0.235),
  at('mixed5b', 256, 35, 0.289),
  at('mixed5d', 288, 35, 0.41),
  at('mixed6a', 768, 17, 0.48),
  at('mixed7a', 1280, 8, 0.875),
]

describe('the proposed cut', () => {
  it('is the smallest early map that is no coarser than a ninth of the photo', () => {
    expect(proposedCut(inception, 299)?.cut.tensor).toBe('pooled')
  })

  it('is behind the operators that have no gradient', () => {
    const blocked = inception.map((candidate, i) =>
      i < 3 ? { ...candidate, obstacle: 'Celu "act"' } : candidate,
    )
    expect(proposedCut(blocked, 299)?.cut.tensor).toBe('mixed5d')
    expect(unfitReason(blocked[0]!, 299)).toBe('no gradient through Celu "act"')
  })

  it('is behind the activation, when that makes no difference to the work', () => {
    expect(proposedCut([at('raw', 8, 28, 0.2), at('activated', 8, 28, 0.2)], 224)?.cut.tensor).toBe(
      'activated',
    )
  })

  it('is the best that there is, when all are late or coarse', () => {
    expect(proposedCut([inception[5]!], 299)?.cut.tensor).toBe('mixed7a')
    expect(proposedCut([at('whole', 3, 299, 0)], 299)).toBeUndefined()
  })
})

it('student and teacher are compared at the cut and once more, not far behind it', () => {
  const cuts: CutCost[] = inception.map((candidate) => candidate.cut)
  expect(matchedCuts(cuts, cuts[1]!).map((cut) => cut.tensor)).toEqual(['pooled', 'mixed5d'])
  expect(matchedCuts(cuts, cuts[5]!).map((cut) => cut.tensor)).toEqual(['mixed7a'])
})

describe('the sizes of encoder and decoder', () => {
  it('halve the map of a large photo once more, and begin with a stride of 4', () => {
    const shape = pairShape(299, { channels: 192, side: 35 })
    expect(shape.latent).toEqual({ channels: 96, side: 19 })
    expect(shape.encoder.map(({ stride }) => stride)).toEqual([4, 2, 2])
  })

  it('keep 7×7 of a small one, and an eighth of its values', () => {
    expect(pairShape(32, { channels: 64, side: 8 }).latent).toEqual({ channels: 6, side: 8 })
    expect(pairShape(32, { channels: 64, side: 8 }, 10).latent).toEqual({ channels: 10, side: 8 })
  })

  it('refuse a map as large as the photo', () => {
    expect(() => pairShape(32, { channels: 8, side: 32 }, 10)).toThrow(
      expect.objectContaining({ code: 'CANNOT_BOTTLENECK' }),
    )
  })
})
