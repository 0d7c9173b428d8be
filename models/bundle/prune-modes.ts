import type { Mode } from './manifest.ts'

type Priced = Pick<Mode, 'accuracy' | 'payloadBytes' | 'headMacs'>

/**
 * The modes that are worth having, in their order. One goes when another that stays sends no more bytes, computes no more on the
 * device and is as accurate, but for `tolerance` (of 1). Of equals the first stays, and so does what has no accuracy.
 */
export function withoutDominated<M extends Priced>(modes: readonly M[], tolerance = 0): M[] {
  const kept = new Set(modes)
  // What a mode stands for: its own accuracy, and that of those that went for its sake, so that losses do not add up.
  const owed = new Map(modes.map((mode) => [mode, mode.accuracy ?? Number.POSITIVE_INFINITY]))
  const dearestFirst = [...kept].reverse().sort((a, b) => cost(b) - cost(a))
  for (const mode of dearestFirst) {
    const least = owed.get(mode)! - tolerance
    const heir = [...kept].find(
      (other) =>
        other !== mode &&
        (other.accuracy ?? Number.NEGATIVE_INFINITY) >= least &&
        other.payloadBytes <= mode.payloadBytes &&
        other.headMacs <= mode.headMacs,
    )
    if (!heir) continue
    kept.delete(mode)
    owed.set(heir, Math.max(owed.get(heir)!, owed.get(mode)!))
  }
  return [...kept]
}

/** Any sum that grows with both prices puts what can be replaced before what can replace it. */
const cost = ({ payloadBytes, headMacs }: Priced): number => payloadBytes + headMacs
