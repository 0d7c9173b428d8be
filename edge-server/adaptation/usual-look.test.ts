import { seededRandom } from '@isthmus/models/data'
import { describe, expect, it } from 'vitest'
import { imageTraits } from './image-traits.ts'
import { UsualLook } from './usual-look.ts'

const dims = [3, 32, 32] as const
const settings = { support: 0.2, margin: 0.5 }
const random = seededRandom(4)

/** A slope of grey of some contrast around some brightness: smooth, as photographs mostly are. */
const smooth = (brightness: number, contrast: number): Uint8Array =>
  Uint8Array.from({ length: 3072 }, (_, at) => brightness + ((at % 32) / 31 - 0.5) * contrast)
const scene = (around: number): Float64Array =>
  imageTraits(smooth(around + random.below(30), 30 + random.below(40)), dims)
const noise = (): Float64Array =>
  imageTraits(
    Uint8Array.from({ length: 3072 }, () => random.below(256)),
    dims,
  )

/** `devices` that each send eight scenes around a brightness. */
function fill(look: UsualLook, name: string, devices: number, around: number): UsualLook {
  for (let device = 0; device < devices; device++)
    for (let at = 0; at < 8; at++) look.add(`${name}-${device}`, scene(around))
  return look
}

describe('traits of an image', () => {
  it('tell the mean of each channel', () => {
    const pixels = new Uint8Array(3072).fill(255, 1024, 2048)
    expect([...imageTraits(pixels, dims).subarray(0, 3)]).toEqual([0, 1, 0])
  })

  it('know smooth from rough and grey from coloured, at any contrast', () => {
    const [, , , , roughNoise, colourNoise] = noise()
    for (const contrast of [20, 200]) {
      const [, , , , rough, colour] = imageTraits(smooth(120, contrast), dims)
      expect(rough!).toBeLessThan(roughNoise! - 1)
      expect(colour!).toBeLessThan(colourNoise! - 1)
    }
    // Pixels that know nothing of each other: differences have twice the variance.
    expect(roughNoise).toBeCloseTo(0, 1)
  })

  it('are numbers for an image of one value', () => {
    expect(imageTraits(new Uint8Array(3072), dims).every(Number.isFinite)).toBe(true)
  })
})

describe('what a fleet usually sends', () => {
  it('is no noise of a tenth of the devices, however much they send', () => {
    const look = fill(new UsualLook(settings), 'cam', 18, 100)
    for (let at = 0; at < 500; at++) for (const device of ['x', 'y']) look.add(device, noise())
    expect(look.isUsual('x', noise())).toBe(false)
    expect(look.isUsual('cam-3', noise())).toBe(false)
    expect(look.isUsual('cam-3', scene(100))).toBe(true)
    expect(look.isUsual('x', scene(100))).toBe(true)
  })

  it('is every weather that a third of the devices see', () => {
    const look = fill(fill(new UsualLook(settings), 'dark', 6, 20), 'bright', 12, 190)
    expect(look.isUsual('dark-0', scene(20))).toBe(true)
    expect(look.isUsual('bright-0', scene(190))).toBe(true)
  })

  it('is not what one device alone sees: its own range does not speak for it', () => {
    const look = fill(fill(new UsualLook(settings), 'dark', 1, 20), 'bright', 19, 190)
    expect(look.isUsual('dark-0', scene(20))).toBe(false)
  })

  it('follows a fleet into another weather after a few uploads of each', () => {
    const look = fill(new UsualLook(settings), 'cam', 20, 190)
    expect(look.isUsual('cam-0', scene(20))).toBe(false)
    for (let device = 0; device < 20; device++) look.add(`cam-${device}`, scene(20))
    expect(look.isUsual('cam-0', scene(20))).toBe(true)
  })

  it('is anything while fewer than four others are known', () => {
    const look = fill(new UsualLook(settings), 'cam', 4, 100)
    expect(look.isUsual('cam-0', noise())).toBe(true)
    expect(look.isUsual('new', noise())).toBe(false)
  })

  it('goes on from its state', () => {
    const look = fill(new UsualLook(settings), 'cam', 9, 100)
    const later = new UsualLook(settings, structuredClone(look.state()))
    expect(later.state()).toEqual(look.state())
    expect([later.isUsual('x', noise()), later.isUsual('x', scene(100))]).toEqual([false, true])
  })
})
