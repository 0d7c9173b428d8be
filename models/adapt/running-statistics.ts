import type { BatchMoments } from './norm-gradient.ts'

/** Moves running statistics by `share` of the way to those of a batch, in place. */
export function moveStatistics(running: BatchMoments, batch: BatchMoments, share: number): void {
  for (const kind of ['mean', 'variance'] as const) {
    const [values, news] = [running[kind], batch[kind]]
    for (let at = 0; at < values.length; at++) values[at]! += share * (news[at]! - values[at]!)
  }
}
