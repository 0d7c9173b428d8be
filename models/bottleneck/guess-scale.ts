import { type Pixels, pixelsFromScale } from '../pack/normalisation.ts'

/** What pixels usually become, by the names that `--scale` knows. */
export const usualScales = ['imagenet', '-1..1', '0..1', '0..255'] as const

export interface ScaleGuess {
  readonly scale: string
  readonly pixels: Pixels
  /** e to the power of what the answers tell of the photos: 1 when they are all alike, the number of photos at most. */
  readonly score: number
}

/**
 * How much the answers to some photos tell of them: sure of each, and different from photo to photo (the inception score, Salimans et al. 2016,
 * arXiv 1606.03498). Pixels of a wrong scale make answers that are unsure, or always the same.
 */
export function informationScore(answers: readonly Float32Array[]): number {
  const classes = answers[0]?.length ?? 0
  const mean = new Float64Array(classes)
  for (const answer of answers) for (let at = 0; at < classes; at++) mean[at]! += answer[at]! / answers.length
  let nats = 0
  for (const answer of answers) {
    for (let at = 0; at < classes; at++) {
      if (answer[at]! > 0) nats += (answer[at]! * Math.log(answer[at]! / mean[at]!)) / answers.length
    }
  }
  return Math.exp(nats)
}

/** Tries the usual scales on some photos, best first. `answer` gives the probabilities of each photo at a scale. */
export async function guessScale(answer: (pixels: Pixels) => Promise<Float32Array[]>): Promise<ScaleGuess[]> {
  const guesses: ScaleGuess[] = []
  for (const scale of usualScales) {
    const pixels = pixelsFromScale(scale)!
    guesses.push({ scale, pixels, score: informationScore(await answer(pixels)) })
  }
  return guesses.sort((a, b) => b.score - a.score)
}
