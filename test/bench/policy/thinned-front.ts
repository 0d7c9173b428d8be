import { nonDominated } from '@isthmus/policies/pareto'

/** Points of a stored front: enough to draw it. */
export const STORED_POINTS = 30

/**
 * The points of a front that no other one beats, from the least first cost on; of more than `most` some, evenly spread along the
 * front on logarithmic axes. Its ends stay.
 *
 * @param front costs above 0, a point for each preference
 */
export function thinnedFront(front: readonly (readonly number[])[], most = STORED_POINTS): number[][] {
  const best = nonDominated(front.map((costs) => costs.map((cost) => -cost)))
    .map((rewards) => rewards.map((reward) => -reward))
    .sort((a, b) => a[0]! - b[0]!)
  if (best.length <= most) return best
  const spans = best[0]!.map((_, objective) => {
    const logs = best.map((costs) => Math.log(costs[objective]!))
    return Math.max(...logs) - Math.min(...logs)
  })
  let way = 0
  const ways = best.map((costs, at) => {
    const before = best[Math.max(0, at - 1)]!
    way += Math.hypot(
      ...costs.map((cost, objective) => Math.log(cost / before[objective]!) / spans[objective]!),
    )
    return way
  })
  // A hair less, or rounding could ask for more way than there is.
  const kept = Array.from({ length: most }, (_, at) =>
    ways.findIndex((done) => done >= ((1 - 1e-9) * way * at) / (most - 1)),
  )
  return [...new Set(kept)].map((at) => best[at]!)
}
