import { nonDominated } from './dominance.ts'
import { checkPoints, type Point } from './points.ts'

/**
 * Volume of what the points dominate above the reference point, exact in any number of objectives (slices by the last
 * objective: Knowles 2002). A figure without its reference means nothing; points that do not exceed it add nothing.
 *
 * @throws IsthmusError `BAD_POINTS`
 */
export function hypervolume(points: readonly Point[], reference: Point): number {
  const objectives = checkPoints('reference', [reference])
  if (points.length === 0) return 0
  checkPoints('points', points, objectives)
  const above = points
    .filter((point) => point.every((value, at) => value > reference[at]!))
    .map((point) => point.map((value, at) => value - reference[at]!))
  return volume(above, objectives)
}

/** Volume above the origin. */
function volume(points: readonly Point[], objectives: number): number {
  if (points.length === 0) return 0
  if (objectives === 1) return Math.max(...points.map((point) => point[0]!))
  const last = objectives - 1
  const front = nonDominated(points.map((point) => point.slice(0, objectives))).sort(
    (a, b) => b[last]! - a[last]!,
  )
  if (objectives === 2) return area(front)
  let total = 0
  for (const [at, point] of front.entries()) {
    const below = front[at + 1]?.[last] ?? 0
    if (point[last]! > below) total += (point[last]! - below) * volume(front.slice(0, at + 1), last)
  }
  return total
}

/** Of a front that descends in its second objective, and so ascends in its first. */
function area(front: readonly Point[]): number {
  let total = 0
  for (const [at, point] of front.entries()) total += (point[1]! - (front[at + 1]?.[1] ?? 0)) * point[0]!
  return total
}
