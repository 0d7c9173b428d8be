/** What waits at a worker, as far as it matters for computing several together. */
export interface Batchable {
  /** What is computed by the same run of the same network; undefined: nothing else is. */
  readonly kind: object | undefined
  /** When it is no longer worth starting. */
  readonly expiresMs: number
}

/** How many frames of one kind are computed together, and how long each then takes. */
export interface BatchLimit {
  readonly frames: number
  readonly frameMs: number
}

/**
 * Takes the first of `waiting` out, and with it what is computed in the same run: others of its kind, in the order in
 * which they came, as long as nobody expires because of those who joined, neither in the batch nor among those that were
 * passed over.
 */
export function takeBatch<T extends Batchable>(
  waiting: T[],
  limitOf: (first: T) => BatchLimit,
  nowMs: number,
): T[] {
  const first = waiting.shift()
  if (first === undefined) return []
  const batch = [first]
  if (first.kind === undefined) return batch
  const { frames, frameMs } = limitOf(first)
  let earliestMs = first.expiresMs
  for (let at = 0; at < waiting.length && batch.length < frames; ) {
    const next = waiting[at]!
    if (next.expiresMs <= nowMs) {
      at++
      continue
    }
    // Whoever is passed over waits for the batch, too.
    earliestMs = Math.min(earliestMs, next.expiresMs)
    if (nowMs + (batch.length + 1) * frameMs > earliestMs) break
    if (next.kind !== first.kind) {
      at++
      continue
    }
    waiting.splice(at, 1)
    batch.push(next)
  }
  return batch
}
