import { describe, expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { corrupt } from './corrupt.ts'
import { plasmaFractal } from './fog.ts'
import { shotNoise } from './shot-noise.ts'
import type { CorruptionType } from './types.ts'

const side = 120
const flat = (level: number) => ({
  pixels: new Uint8Array(3 * side * side).fill(level),
  height: side,
  width: side,
})
const count = 3 * side * side

function moments(values: Uint8Array) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return {
    mean,
    deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length),
  }
}

describe('noise', () => {
  const damaged = (type: CorruptionType, level: number) =>
    corrupt(flat(level), { type, severity: 3 }, seededRandom(5))

  it('is normal with the table’s deviation, the same for all values, or in proportion', () => {
    expect(moments(damaged('gaussian_noise', 128)).deviation).toBeCloseTo(255 * 0.08, 0)
    expect(moments(damaged('speckle_noise', 128)).deviation).toBeCloseTo(128 * 0.12, 0)
    expect(moments(damaged('speckle_noise', 64)).deviation).toBeCloseTo(64 * 0.12, 0)
  })

  it('of photons has the mean and the variance of Poisson’s distribution', () => {
    const { mean, deviation } = moments(damaged('shot_noise', 102))
    // 40 photons on average, of 100; cutting to whole values costs half a value.
    expect(mean).toBeCloseTo(102 - 0.5, 0)
    expect(deviation).toBeCloseTo((255 * Math.sqrt(40)) / 100, 0)
  })

  it('of few photons takes each number as often as Poisson says', () => {
    const out = new Uint8Array(count)
    shotNoise(3, { height: side, width: side })(flat(255).pixels, out, seededRandom(9))
    const share = (value: number) => out.filter((other) => other === value).length / count
    // Mean 3: none, one and two photons make 0, 85 and 170; three and more are white.
    const expected = [Math.exp(-3), 3 * Math.exp(-3), 4.5 * Math.exp(-3)]
    for (const [photons, chance] of expected.entries()) {
      expect(Math.abs(share(85 * photons) - chance)).toBeLessThan(5 * Math.sqrt(chance / count))
    }
    expect(share(0) + share(85) + share(170) + share(255)).toBeCloseTo(1, 12)
  })

  it('of black stays black where light makes it', () => {
    for (const type of ['shot_noise', 'speckle_noise'] as const) {
      expect(damaged(type, 0).every((value) => value === 0)).toBe(true)
    }
  })

  it('of impulses makes half of its share white and half black', () => {
    const out = damaged('impulse_noise', 128)
    for (const value of [0, 255]) {
      const share = out.filter((other) => other === value).length / count
      expect(Math.abs(share - 0.015)).toBeLessThan(5 * Math.sqrt(0.015 / count))
    }
    expect(out.every((value) => value === 0 || value === 128 || value === 255)).toBe(true)
  })
})

describe('the plasma of fog', () => {
  it('spans 0 to 1 and is smoother the faster its noise fades', () => {
    const roughness = (decay: number) => {
      const map = new Float64Array(64 * 64)
      plasmaFractal(map, 64, decay, seededRandom(4))
      expect(Math.min(...map)).toBe(0)
      expect(Math.max(...map)).toBe(1)
      let sum = 0
      // On a torus: the last column's neighbour is the first.
      for (let i = 0; i < map.length; i++) sum += Math.abs(map[i]! - map[(i & ~63) | ((i + 1) & 63)]!)
      return sum
    }
    expect(roughness(3)).toBeLessThan(roughness(2))
    expect(roughness(2)).toBeLessThan(roughness(1.4))
  })
})
