import { describe, expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { frostIndex, frostOf } from './frost.ts'
import { frostTexture, frostTextureSide } from './frost-texture.ts'

describe('frost', () => {
  it('draws among textures 0 to 4, all of them', () => {
    const random = seededRandom(3)
    const seen = new Set(Array.from({ length: 400 }, () => frostIndex(random)))
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4])
  })

  it('has textures that differ, with dark and white places, bluish where thin', () => {
    const [first, second] = [frostTexture(0), frostTexture(1)]
    expect(first).not.toEqual(second)
    for (const texture of [first, second]) {
      expect(texture.length).toBe(3 * frostTextureSide ** 2)
      const histogram = new Uint32Array(256)
      let bluish = 0
      for (let i = 0; i < texture.length; i += 3) {
        histogram[texture[i + 1]!] = histogram[texture[i + 1]!]! + 1
        if (texture[i + 2]! < texture[i]!) bluish++
      }
      const share = (from: number, to: number) =>
        histogram.slice(from, to).reduce((sum, count) => sum + count, 0) / frostTextureSide ** 2
      expect(share(0, 64)).toBeGreaterThan(0.1)
      expect(share(192, 256)).toBeGreaterThan(0.05)
      expect(bluish).toBe(0)
    }
  })

  it('mixes a cut of the texture in, at a fifth of its size for CIFAR', () => {
    // Texture 2, eleven rows down, seven columns right.
    const draws = [2, 11, 7]
    const random = { ...seededRandom(1), below: () => draws.shift()! }
    const out = new Uint8Array(12)
    frostOf(5)([0.5, 0.4], { height: 2, width: 2 })(new Uint8Array(12).fill(100), out, random)
    const texture = frostTexture(2)
    for (let channel = 0; channel < 3; channel++) {
      const level = texture[3 * ((12 * 5 + 2) * frostTextureSide + 8 * 5 + 2) + channel]!
      expect(out[4 * channel + 3]).toBe(Math.floor(50 + 0.4 * level + 1e-9))
    }
  })
})
