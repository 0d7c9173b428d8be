import type { CorruptionConstants } from './constants.ts'
import { cannyEdges } from './operations/canny.ts'
import { correlation } from './operations/correlate.ts'
import { distanceTo } from './operations/distance.ts'
import { equalise } from './operations/equalise.ts'
import { gaussianFilter } from './operations/gaussian-filter.ts'
import { toByte, unitOf } from './operations/unit-range.ts'
import type { Corruptor, ImageSize, PrepareCorruptor } from './types.ts'

const waterColour = [175 / 255, 238 / 255, 238 / 255]
const mudColour = [63 / 255, 42 / 255, 20 / 255]
const furthest = 20
const relief = [-2, -1, 0, -1, 1, 1, 0, 1, 2]
const mean3 = new Array<number>(9).fill(1 / 9)

/** Drops of water (severities 1 to 3) or mud (4 and 5) on the lens. */
export const spatter: PrepareCorruptor<CorruptionConstants['spatter']> = (constants, size) =>
  constants[5] === 0 ? water(constants, size) : mud(constants, size)

function liquidLayer([mean, deviation, blurSigma]: CorruptionConstants['spatter'], size: ImageSize) {
  const blur = gaussianFilter(size, blurSigma)
  return (layer: Float64Array, random: { normal(): number }): void => {
    for (let i = 0; i < layer.length; i++) layer[i] = mean + deviation * random.normal()
    blur(layer, layer)
  }
}

/** Bright drops: the liquid times a relief of the distance to the drops' rims. */
function water(constants: CorruptionConstants['spatter'], size: ImageSize): Corruptor {
  const [, , , threshold, strength] = constants
  const area = size.height * size.width
  const pour = liquidLayer(constants, size)
  const mean = correlation(size, mean3)
  const shade = correlation(size, relief)
  const layer = new Float64Array(area)
  const shape = new Float64Array(area)
  const bytes = new Uint8Array(area)

  return (pixels, out, random) => {
    pour(layer, random)
    for (let i = 0; i < area; i++) layer[i] = layer[i]! < threshold ? 0 : toByte(layer[i]!)
    const distance = distanceTo(cannyEdges(layer, size, 50, 150), size)
    for (let i = 0; i < area; i++) shape[i] = Math.min(distance[i]!, furthest)
    mean(shape, shape)
    // A rounding error below a whole number must not cost one.
    for (let i = 0; i < area; i++) bytes[i] = shape[i]! + 1e-9
    equalise(bytes)
    shape.set(bytes)
    shade(shape, shape)
    for (let i = 0; i < area; i++) shape[i] = Math.min(255, Math.max(0, Math.round(shape[i]!)))
    mean(shape, shape)
    let most = 0
    for (let i = 0; i < area; i++) {
      shape[i] = layer[i]! * Math.round(shape[i]!)
      most = Math.max(most, shape[i]!)
    }
    const scale = most === 0 ? 0 : strength / most
    for (let channel = 0; channel < 3; channel++) {
      const first = channel * area
      for (let i = 0; i < area; i++) {
        out[first + i] = toByte(unitOf[pixels[first + i]!]! + scale * shape[i]! * waterColour[channel]!)
      }
    }
  }
}

/** Brown spots that cover the image. */
function mud(constants: CorruptionConstants['spatter'], size: ImageSize): Corruptor {
  const [, , , threshold, rimSigma] = constants
  const area = size.height * size.width
  const pour = liquidLayer(constants, size)
  const soften = gaussianFilter(size, rimSigma)
  const cover = new Float64Array(area)

  return (pixels, out, random) => {
    pour(cover, random)
    for (let i = 0; i < area; i++) cover[i] = cover[i]! > threshold ? 1 : 0
    soften(cover, cover)
    for (let i = 0; i < area; i++) if (cover[i]! < 0.8) cover[i] = 0
    for (let channel = 0; channel < 3; channel++) {
      const first = channel * area
      for (let i = 0; i < area; i++) {
        const share = cover[i]!
        out[first + i] = toByte(unitOf[pixels[first + i]!]! * (1 - share) + mudColour[channel]! * share)
      }
    }
  }
}
