/** How many numbers `imageTraits` gives for an image of three channels: a mean each, and three more. */
const MORE_TRAITS = 3

/**
 * What an image looks like from afar, in a few numbers of like size: the mean of each channel (0 to 1), the logarithm of its contrast
 * (RMS over channels), of its roughness (squared differences of neighbours against twice the variance: near 0 when smooth, 1 when
 * each pixel is for itself), and of how much colour there is beside grey. Weather moves all of them; content moves them less.
 */
export function imageTraits(
  pixels: Uint8Array,
  [channels, height, width]: readonly [number, number, number],
): Float64Array {
  const area = height * width
  const traits = new Float64Array(channels + MORE_TRAITS)
  let [variance, steps, count] = [0, 0, 0]
  for (let channel = 0; channel < channels; channel++) {
    let [sum, squares] = [0, 0]
    for (let at = 0; at < area; at++) {
      const value = pixels[channel * area + at]!
      sum += value
      squares += value * value
      const right = at % width < width - 1 ? pixels[channel * area + at + 1]! - value : 0
      const below = at < area - width ? pixels[channel * area + at + width]! - value : 0
      steps += right * right + below * below
    }
    count += 2 * area - width - height
    traits[channel] = sum / area / 255
    variance += (squares / area - (sum / area) ** 2) / channels
  }
  let colour = 0
  for (let at = 0; at < area; at++) {
    let [sum, squares] = [0, 0]
    for (let channel = 0; channel < channels; channel++) {
      const value = pixels[channel * area + at]! - 255 * traits[channel]!
      sum += value
      squares += value * value
    }
    colour += (squares / channels - (sum / channels) ** 2) / area
  }
  // One grey level more or less is nothing: it keeps flat images away from -Infinity.
  traits[channels] = Math.log(Math.sqrt(variance) + 1)
  traits[channels + 1] = Math.log((steps / count / 2 + 1) / (variance + 1) + ROUGHNESS_FLOOR)
  traits[channels + 2] = Math.log((colour + 1) / (variance + 1) + COLOUR_FLOOR)
  return traits
}

/** Below these, differences say nothing. */
const ROUGHNESS_FLOOR = 0.02
const COLOUR_FLOOR = 0.02
