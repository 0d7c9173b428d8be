import { seededRandom } from '@isthmus/models/data'
import { describe, expect, it } from 'vitest'
import { FrameNovelty } from './frame-novelty.ts'

const random = seededRandom(1)
/** [3, 32, 32] of a few patches. */
function scene(): Float32Array {
  const levels = Array.from({ length: 48 }, () => random.normal())
  return Float32Array.from({ length: 3072 }, (_, at) => levels[Math.floor(at / 64)]!)
}
const noisy = (frame: Float32Array, by: number) => frame.map((value) => value + by * random.normal())
const foggy = (frame: Float32Array) => frame.map((value) => 0.05 * value + 2)

describe('a frame', () => {
  it.each([
    ['clear', (frame: Float32Array) => frame],
    ['noisy', (frame: Float32Array) => noisy(frame, 1)],
    ['without contrast', foggy],
  ])('of another scene is new, %s as it may be', (_, look) => {
    const novelty = new FrameNovelty()
    for (let at = 0; at < 50; at++) expect(novelty.isNew(look(scene()))).toBe(true)
  })

  it.each([
    ['clear', (frame: Float32Array) => frame],
    ['noisy', (frame: Float32Array) => noisy(frame, 1)],
    ['without contrast', (frame: Float32Array) => noisy(foggy(frame), 0.01)],
  ])('of the same scene is not, %s as it may be', (_, look) => {
    const novelty = new FrameNovelty()
    const still = scene()
    expect(novelty.isNew(look(still))).toBe(true)
    for (let at = 0; at < 50; at++) expect(novelty.isNew(look(still))).toBe(false)
  })

  it('that moves on little by little is new when it has come far enough', () => {
    const novelty = new FrameNovelty()
    const [from, to] = [scene(), scene()]
    const news = Array.from({ length: 101 }, (_, step) =>
      novelty.isNew(from.map((value, at) => value + (step / 100) * (to[at]! - value))),
    )
    const count = news.filter(Boolean).length
    expect(count).toBeGreaterThan(3)
    expect(count).toBeLessThan(30)
  })
})
