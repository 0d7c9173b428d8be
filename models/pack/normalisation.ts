/** How pixels become the input of a network: (pixel / 255 − mean) / std, per channel. */
export interface Pixels {
  readonly mean: number[]
  readonly std: number[]
}

/** Of the photographs of ImageNet, in R, G, B: what torchvision's classifiers were trained with. */
const imagenet: Pixels = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }

const numbers = (text: string): number[] =>
  text.split(',').map((part) => (part.trim() ? Number(part) : Number.NaN))

/**
 * `imagenet`, or `LOW..HIGH`: what a black and a white pixel become, such as `-1..1`, `0..1`, `0..255`.
 * Undefined when it is neither.
 */
export function pixelsFromScale(scale: string): Pixels | undefined {
  if (scale === 'imagenet') return imagenet
  const [low = Number.NaN, high = Number.NaN, more] = numbers(scale.replace('..', ','))
  if (more !== undefined || !Number.isFinite(low) || !Number.isFinite(high) || high <= low) return undefined
  const std = 1 / (high - low)
  // Not −low · std, which makes −0 of 0.
  const mean = (0 - low) * std
  return { mean: [mean, mean, mean], std: [std, std, std] }
}

/** From `0.485,0.456,0.406` and `0.229,0.224,0.225`; one number is for all channels. Undefined when they are not that. */
export function pixelsFromMeanStd(mean: string, std: string): Pixels | undefined {
  const [means, stds] = [numbers(mean), numbers(std)].map((list) =>
    list.length === 1 ? [list[0]!, list[0]!, list[0]!] : list,
  ) as [number[], number[]]
  const fits = (list: readonly number[]) => list.length === 3 && list.every(Number.isFinite)
  return fits(means) && fits(stds) && stds.every((value) => value > 0)
    ? { mean: means, std: stds }
    : undefined
}
