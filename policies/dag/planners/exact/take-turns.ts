import type { ExactSearch } from './exact-search.ts'

/** Nodes of one turn: few against what hard problems take, many against what changing over takes. */
const TURN = 8192

/**
 * Lets searches look by turns, each for what is cheaper than the others have found, until one of them has looked at everything: that
 * takes as many times as long as there are searches as the fastest alone, whichever that is. Returns whether one came to its end.
 *
 * @param maxNodes that they may look at together
 */
export function takeTurns(
  searches: readonly ExactSearch[],
  limit: number,
  maxNodes: number,
  late: () => boolean,
): boolean {
  let least = limit
  let left = maxNodes
  for (let at = 0; left > 0 && !late(); at = (at + 1) % searches.length) {
    const search = searches[at]!
    const before = search.nodes
    search.advance(least, Math.min(TURN, left), late)
    if (search.complete) return true
    least = Math.min(least, search.limit)
    left -= search.nodes - before
  }
  return false
}
