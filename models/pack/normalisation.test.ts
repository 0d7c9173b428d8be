import { describe, expect, it } from 'vitest'
import { pixelsFromMeanStd, pixelsFromScale } from './normalisation.ts'

/** What a pixel becomes. */
const fed = (pixel: number, { mean, std }: { mean: number[]; std: number[] }) =>
  (pixel / 255 - mean[0]!) / std[0]!

describe('the scale of pixels', () => {
  it.each([
    ['-1..1', -1, 1],
    ['0..1', 0, 1],
    ['0..255', 0, 255],
    ['-2.5..-0.5', -2.5, -0.5],
  ])('%s makes black %d and white %d', (scale, black, white) => {
    const pixels = pixelsFromScale(scale)!
    expect(fed(0, pixels)).toBeCloseTo(black, 9)
    expect(fed(255, pixels)).toBeCloseTo(white, 9)
    expect(JSON.stringify(pixels)).not.toContain('-0,')
  })

  it('knows the numbers of ImageNet', () => {
    expect(pixelsFromScale('imagenet')).toEqual({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] })
  })

  it.each(['', '1', '1..0', '0..0', '0..x', '0..1..2', '..1', 'cifar', '0..Infinity'])(
    'refuses "%s"',
    (scale) => {
      expect(pixelsFromScale(scale)).toBeUndefined()
    },
  )

  it('takes three numbers, or one for all channels, and no deviation of 0', () => {
    expect(pixelsFromMeanStd('0.5', '0.1, 0.2,0.3')).toEqual({ mean: [0.5, 0.5, 0.5], std: [0.1, 0.2, 0.3] })
    expect(pixelsFromMeanStd('0.5,0.5', '1')).toBeUndefined()
    expect(pixelsFromMeanStd('0,0,', '1')).toBeUndefined()
    expect(pixelsFromMeanStd('0', '0')).toBeUndefined()
    expect(pixelsFromMeanStd('0', '-1')).toBeUndefined()
  })
})
