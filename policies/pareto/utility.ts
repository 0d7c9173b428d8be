import { checkPoints, type Point } from './points.ts'

const utility = (point: Point, weights: Point): number =>
  point.reduce((sum, value, at) => sum + value * weights[at]!, 0)

const best = (points: readonly Point[], weights: Point): number =>
  Math.max(...points.map((point) => utility(point, weights)))

/** Mean over the preferences of what the best point for each is worth (EUM, Zintgraf et al. 2015). */
export function expectedUtility(points: readonly Point[], preferences: readonly Point[]): number {
  checkPoints('preferences', preferences, checkPoints('points', points))
  return preferences.reduce((sum, weights) => sum + best(points, weights), 0) / preferences.length
}

/** Most that any preference loses with `points` against `reference` (MUL); 0 or more when `reference` covers them. */
export function maximumUtilityLoss(
  points: readonly Point[],
  reference: readonly Point[],
  preferences: readonly Point[],
): number {
  const objectives = checkPoints('points', points)
  checkPoints('reference', reference, objectives)
  checkPoints('preferences', preferences, objectives)
  return Math.max(...preferences.map((weights) => best(reference, weights) - best(points, weights)))
}

/** Mean distance of the reference front's points to the nearest of `points` (IGD, Coello and Reyes 2004). */
export function invertedGenerationalDistance(points: readonly Point[], reference: readonly Point[]): number {
  checkPoints('reference', reference, checkPoints('points', points))
  const distance = (a: Point, b: Point) => Math.hypot(...a.map((value, at) => value - b[at]!))
  const nearest = (target: Point) => Math.min(...points.map((point) => distance(point, target)))
  return reference.reduce((sum, target) => sum + nearest(target), 0) / reference.length
}

/** `count` preferences for two objectives, evenly from (0, 1) to (1, 0). */
export const evenPreferences = (count: number): number[][] =>
  Array.from({ length: count }, (_, at) => [at / (count - 1), 1 - at / (count - 1)])
