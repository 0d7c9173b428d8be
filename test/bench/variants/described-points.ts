import { proportionInterval } from '../statistics.ts'
import type { Detail } from '../suite.ts'
import type { Point } from './measuring.ts'

/** Points measured on so many images, each with its 95 % interval, for a result file. */
export function describedPoints(points: readonly Point[], images: number): Detail {
  return points.map(({ width, place, top1, bytes }) => {
    const [low, high] = proportionInterval(Math.round((top1 * images) / 100), images)
    return { width, place, top1, bytes, interval95: [100 * low, 100 * high] }
  })
}
