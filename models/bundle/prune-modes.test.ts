import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withoutDominated } from './index.ts'

/** Slimmable Ensemble Encoders (arXiv 2306.12691): mAP by encoders (1 to 4) and bits (1 to 4). */
const slimmable = [
  [14.5, 27.7, 32.0, 34.3],
  [16.5, 29.4, 34.1, 36.1],
  [16.4, 29.4, 34.2, 36.4],
  [16.6, 29.7, 34.6, 36.8],
].flatMap((byBits, encoders) =>
  byBits.map((map, bits) => ({
    name: `${encoders + 1}${bits + 1}`,
    accuracy: map / 100,
    payloadBytes: 6912 * (bits + 1),
    headMacs: encoders + 1,
  })),
)

const names = (modes: readonly { name: string }[]) => modes.map(({ name }) => name)

describe('pruning a mode table', () => {
  it('drops modes 31 and 32 of the published slimmable encoders, which two encoders match, and no others', () => {
    const kept = names(withoutDominated(slimmable))
    expect(names(slimmable).filter((name) => !kept.includes(name))).toEqual(['31', '32'])
  })

  it('drops more where a little accuracy counts for nothing', () => {
    const kept = names(withoutDominated(slimmable, 0.0035))
    expect(kept).not.toContain('33')
    expect(kept).not.toContain('34')
    expect(kept).toContain('44')
  })

  it('keeps the first of equals, and what has no accuracy', () => {
    const mode = { accuracy: 0.9, payloadBytes: 10, headMacs: 5 }
    expect(withoutDominated([mode, { ...mode }])).toEqual([mode])
    const unknown = { payloadBytes: 99, headMacs: 99 }
    expect(withoutDominated([mode, unknown])).toEqual([mode, unknown])
  })

  it('leaves for every mode that it drops one that is no worse, but for the tolerance', () => {
    const mode = fc.record({
      accuracy: fc.integer({ min: 0, max: 4 }),
      payloadBytes: fc.nat(4),
      headMacs: fc.nat(4),
    })
    fc.assert(
      fc.property(fc.array(mode, { maxLength: 12 }), fc.nat(2), (modes, tolerance) => {
        const kept = withoutDominated(modes, tolerance)
        for (const one of modes) {
          const match = kept.some(
            (other) =>
              other.accuracy >= one.accuracy - tolerance &&
              other.payloadBytes <= one.payloadBytes &&
              other.headMacs <= one.headMacs,
          )
          expect(match).toBe(true)
        }
        if (tolerance === 0) expect(withoutDominated(kept)).toEqual(kept)
      }),
    )
  })
})
