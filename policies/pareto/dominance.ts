import { checkPoints, covers, type Point } from './points.ts'

/** The points that no other point is better than: at least as good in all objectives and better in one. Of equal points one. */
export function nonDominated(points: readonly Point[]): Point[] {
  if (points.length === 0) return []
  checkPoints('points', points)
  // Whatever covers a point comes before it in this order.
  const sorted = [...points].sort(lexicallyDescending)
  const front: Point[] = []
  for (const point of sorted) if (!front.some((other) => covers(other, point))) front.push(point)
  return front
}

/** Fronts of a population: the non-dominated points, those of the rest, and so on. Indices into `points`; equals share a front. */
export function nonDominatedFronts(points: readonly Point[]): number[][] {
  if (points.length === 0) return []
  checkPoints('points', points)
  const worse = points.map(() => [] as number[])
  const above = new Int32Array(points.length)
  for (const [a, pointA] of points.entries()) {
    for (const [b, pointB] of points.entries()) {
      if (!covers(pointA, pointB) || covers(pointB, pointA)) continue
      worse[a]!.push(b)
      above[b]!++
    }
  }
  const fronts: number[][] = []
  let front = [...points.keys()].filter((at) => above[at] === 0)
  while (front.length > 0) {
    fronts.push(front)
    const next: number[] = []
    for (const better of front) for (const at of worse[better]!) if (--above[at]! === 0) next.push(at)
    front = next.sort((a, b) => a - b)
  }
  return fronts
}

/** Points of the front. */
export const cardinality = (points: readonly Point[]): number => nonDominated(points).length

function lexicallyDescending(a: Point, b: Point): number {
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return b[at]! - a[at]!
  return 0
}
