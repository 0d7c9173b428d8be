import { softmaxEntropy, softmaxInto } from '@isthmus/models/adapt/entropy'

/** An answer as the upload rules want it. */
export interface AnswerEntropy {
  /** In nats. */
  readonly entropy: number
  readonly probabilities: Float32Array
}

/** Of a network's output: logits, or probabilities that are taken as they are. Finite logits of any size will do. */
export function answerEntropy(output: Float32Array, kind: 'logits' | 'probabilities'): AnswerEntropy {
  if (kind === 'probabilities') return { entropy: entropyOf(output), probabilities: output }
  const probabilities = new Float32Array(output.length)
  softmaxInto(probabilities, output, 0)
  return { entropy: softmaxEntropy(output), probabilities }
}

/** H(p) = −Σ p ln p in nats; a probability of 0 adds nothing. */
export function entropyOf(probabilities: ArrayLike<number>): number {
  let sum = 0
  for (let at = 0; at < probabilities.length; at++) {
    const p = probabilities[at]!
    if (p > 0) sum -= p * Math.log(p)
  }
  return Math.max(0, sum)
}
