/** Places of the coarse picture. */
const PLACES = 48
/** A frame is another scene when it differs by more than this share of the coarse picture's own contrast. */
const LEAST_CHANGE = 0.25

/**
 * Tells frames of another scene from copies of the same: statistics of one scene over and over are not those of a world. Looks at coarse
 * pictures, in which noise averages out, and at changes against their contrast, so that fog makes no difference.
 */
export class FrameNovelty {
  #last: Float64Array | undefined

  /** Whether a frame, as the network takes it, differs from the last one for which this said so. */
  isNew(input: Float32Array): boolean {
    const coarse = coarseOf(input)
    const last = this.#last
    if (last && !differ(coarse, last)) return false
    this.#last = coarse
    return true
  }
}

/** Means of equal parts of the tensor: bands of rows of each channel. */
function coarseOf(input: Float32Array): Float64Array {
  const places = Math.min(PLACES, input.length)
  const coarse = new Float64Array(places)
  for (let place = 0; place < places; place++) {
    const from = Math.floor((place * input.length) / places)
    const to = Math.floor(((place + 1) * input.length) / places)
    let sum = 0
    for (let at = from; at < to; at++) sum += input[at]!
    coarse[place] = sum / (to - from)
  }
  return coarse
}

function differ(a: Float64Array, b: Float64Array): boolean {
  const mean = b.reduce((sum, value) => sum + value, 0) / b.length
  let [change, contrast] = [0, 0]
  for (let at = 0; at < a.length; at++) {
    change += (a[at]! - b[at]!) ** 2
    contrast += (b[at]! - mean) ** 2
  }
  // Also true where there is no number: such frames must not go unseen.
  return !(change <= LEAST_CHANGE ** 2 * contrast)
}
