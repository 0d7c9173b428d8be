import type { Point } from './measuring.ts'

/** The accuracy of a variant's one width at so many bytes, between the points measured; what lies outside keeps the last one's. */
export function accuracyAt(curve: readonly Point[], bytes: number): number {
  const sorted = [...curve].sort((a, b) => a.bytes - b.bytes)
  const above = sorted.findIndex((point) => point.bytes >= bytes)
  if (above === 0) return sorted[0]!.top1
  if (above < 0) return sorted.at(-1)!.top1
  const [low, high] = [sorted[above - 1]!, sorted[above]!]
  const share = (bytes - low.bytes) / (high.bytes - low.bytes)
  return low.top1 + share * (high.top1 - low.top1)
}

/** Whether a curve has points on both sides of so many bytes. */
export const spans = (curve: readonly Point[], bytes: number): boolean =>
  curve.some((point) => point.bytes <= bytes) && curve.some((point) => point.bytes >= bytes)
