import { policyError } from '../errors.ts'

/** One value for each objective; more is better, as with rewards. */
export type Point = readonly number[]

/** Throws IsthmusError `BAD_POINTS` unless all points have `objectives` finite values. Returns the number of objectives. */
export function checkPoints(field: string, points: readonly Point[], objectives = points[0]?.length): number {
  if (objectives === undefined || objectives < 1) {
    throw policyError('BAD_POINTS', `${field}: there is no point`)
  }
  for (const [at, point] of points.entries()) {
    if (point.length !== objectives) {
      throw policyError('BAD_POINTS', `${field}[${at}] has ${point.length} values, not ${objectives}`)
    }
    const bad = point.findIndex((value) => !Number.isFinite(value))
    if (bad >= 0) throw policyError('BAD_POINTS', `${field}[${at}][${bad}] is ${point[bad]}`)
  }
  return objectives
}

/** Whether `a` is at least as good as `b` in every objective. */
export const covers = (a: Point, b: Point): boolean => a.every((value, at) => value >= b[at]!)
