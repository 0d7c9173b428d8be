/**
 * Entropy in nats of softmax(logits[from … from + classes)): ln(classes) when all are equal, 0 when one stands far above. Any finite
 * logits will do.
 */
export function softmaxEntropy(logits: ArrayLike<number>, from = 0, classes = logits.length): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let at = from; at < from + classes; at++) largest = Math.max(largest, logits[at]!)
  let [total, weighted] = [0, 0]
  for (let at = from; at < from + classes; at++) {
    const distance = logits[at]! - largest
    const share = Math.exp(distance)
    total += share
    weighted += share * distance
  }
  return Math.max(0, Math.log(total) - weighted / total)
}

/** Writes softmax(logits[from … from + classes)) to `out`. */
export function softmaxInto(out: Float32Array, logits: ArrayLike<number>, from: number): void {
  let largest = Number.NEGATIVE_INFINITY
  for (let at = 0; at < out.length; at++) largest = Math.max(largest, logits[from + at]!)
  let total = 0
  for (let at = 0; at < out.length; at++) {
    out[at] = Math.exp(logits[from + at]! - largest)
    total += out[at]!
  }
  for (let at = 0; at < out.length; at++) out[at]! /= total
}
