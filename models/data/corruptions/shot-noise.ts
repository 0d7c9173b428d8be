import { toByte } from './operations/unit-range.ts'
import type { PrepareCorruptor } from './types.ts'

// Counts rarer than this are left out: no run would ever see one.
const rarest = 1e-18
const cells = 128

/** How often a Poisson variable is at most first, first + 1, …; `guide` says where to begin to search. */
interface PoissonTable {
  first: number
  cumulative: Float64Array
  guide: Uint16Array
}

/**
 * Photon noise: the number of photons of each value is Poisson with mean value·`photons`. There are only 256
 * values, so that each draw is one uniform number and a look into the value's table.
 */
export const shotNoise: PrepareCorruptor<number> = (photons) => {
  const tables: (PoissonTable | undefined)[] = Array.from({ length: 256 })
  return (pixels, out, random) => {
    for (let i = 0; i < pixels.length; i++) {
      const value = pixels[i]!
      tables[value] ??= poissonTable((value / 255) * photons)
      const { first, cumulative, guide } = tables[value]
      const chance = random.uniform()
      let at = guide[(chance * cells) | 0]!
      while (cumulative[at]! <= chance) at++
      out[i] = toByte((first + at) / photons)
    }
  }
}

function poissonTable(mean: number): PoissonTable {
  const mode = Math.floor(mean)
  let logFactorial = 0
  for (let k = 2; k <= mode; k++) logFactorial += Math.log(k)
  const top = mean === 0 ? 1 : Math.exp(mode * Math.log(mean) - mean - logFactorial)
  const below: number[] = []
  for (let k = mode, share = top; k > 0; k--) {
    share *= k / mean
    if (share < rarest) break
    below.push(share)
  }
  const shares = [...below.reverse(), top]
  for (let k = mode + 1, share = top; ; k++) {
    share *= mean / k
    if (share < rarest) break
    shares.push(share)
  }
  let sum = 0
  const cumulative = Float64Array.from(shares, (share) => {
    sum += share
    return sum
  })
  // Rounding must not leave a uniform number without a count.
  cumulative[cumulative.length - 1] = 1
  let at = 0
  const guide = Uint16Array.from({ length: cells }, (_, cell) => {
    while (cumulative[at]! <= cell / cells) at++
    return at
  })
  return { first: mode - below.length, cumulative, guide }
}
