import type { Candidates } from '../candidates.ts'
import { FIT_TOLERANCE } from '../filters.ts'
import { demandAt, type Packing } from './packing.ts'

export interface BoundOptions {
  /** Steps of the subgradient method. Default 100. */
  readonly steps?: number
  /** Value of an allocation at hand: sets the length of the steps. Default 0. */
  readonly value?: number
}

/** A proof that no allocation is worth more. */
export interface UpperBound {
  readonly bound: number
  /** [resources × kinds]: price of a unit of each amount in the proof. */
  readonly prices: Float64Array
}

/**
 * Bound on the value of any allocation by Lagrange's dual over capacities (Fisher 1981): what requests would gain if they
 * paid these prices, plus what all capacity costs. Any prices prove a bound; a projected subgradient method with Polyak's
 * steps makes it small. Never above the sum of each request's best utility. As good as the linear relaxation at best,
 * after capacities have been cut to what sums of demands can reach.
 */
export function upperBound(
  candidates: Candidates,
  packing: Packing,
  { steps = 100, value = 0 }: BoundOptions = {},
): UpperBound {
  const { starts, resources, utility } = candidates
  const { kinds, demand } = packing
  const capacity = reachableCapacity(candidates, packing)
  const requests = starts.length - 1
  let prices = uniformPrices(candidates, packing, capacity)
  let best: UpperBound = { bound: Number.POSITIVE_INFINITY, prices: prices.slice() }
  const load = new Float64Array(capacity.length)
  const direction = new Float64Array(capacity.length)
  let eagerness = 1
  let sinceBetter = 0
  for (let step = 0; step <= steps; step++) {
    load.fill(0)
    let bound = 0
    for (let at = 0; at < capacity.length; at++) bound += prices[at]! * capacity[at]!
    for (let request = 0; request < requests; request++) {
      let most = 0
      let choice = -1
      for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
        let gain = utility[pair]!
        if (gain <= most) continue
        const from = demandAt(packing, request, pair)
        const to = resources[pair]! * kinds
        for (let kind = 0; kind < kinds; kind++) gain -= prices[to + kind]! * demand[from + kind]!
        if (gain > most) {
          most = gain
          choice = pair
        }
      }
      bound += most
      if (choice < 0) continue
      const from = demandAt(packing, request, choice)
      const to = resources[choice]! * kinds
      for (let kind = 0; kind < kinds; kind++) load[to + kind]! += demand[from + kind]!
    }
    if (bound < best.bound) {
      sinceBetter = 0
      best = { bound, prices: prices.slice() }
    } else if (++sinceBetter === 5) {
      eagerness /= 2
      sinceBetter = 0
      prices = best.prices.slice()
      direction.fill(0)
      continue
    }
    // A direction that remembers the last one (Camerini, Fratta and Maffioli 1975) does not zigzag.
    let length = 0
    let excess = 0
    for (let at = 0; at < load.length; at++) {
      const over = load[at]! - capacity[at]!
      if (over > 0 || prices[at]! > 0) excess += over * over
      direction[at] = over + 0.6 * direction[at]!
      if (prices[at] === 0 && direction[at]! < 0) direction[at] = 0
      length += direction[at]! ** 2
    }
    // Best replies that fit are an allocation worth the bound: nothing is left to prove.
    if (excess === 0 || length === 0 || bound <= value) break
    const target = value > 0 ? value : 0.9 * best.bound
    const stride = (eagerness * Math.max(bound - target, 1e-6 * bound)) / length
    for (let at = 0; at < load.length; at++) {
      prices[at] = Math.max(0, prices[at]! + stride * direction[at]!)
    }
  }
  // Rounding must not turn a proof into a claim that is too small.
  return { bound: Math.max(value, best.bound * (1 + 1e-12)), prices: best.prices }
}

/**
 * One price for each kind of amount, the same at all resources, that is good for the bound if each request takes the
 * resource where it is worth most: a start that is nearly free and saves most steps.
 */
function uniformPrices(candidates: Candidates, packing: Packing, capacity: Float64Array): Float64Array {
  const { starts, utility } = candidates
  const { kinds, demand } = packing
  const requests = starts.length - 1
  const best = new Float64Array(requests)
  const wants = new Float64Array(requests * kinds)
  for (let request = 0; request < requests; request++) {
    let favourite = -1
    for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
      if (utility[pair]! > best[request]!) favourite = pair
      best[request] = Math.max(best[request]!, utility[pair]!)
    }
    if (favourite < 0) continue
    const from = demandAt(packing, request, favourite)
    for (let kind = 0; kind < kinds; kind++) wants[request * kinds + kind] = demand[from + kind]!
  }
  const supply = new Float64Array(kinds)
  for (let at = 0; at < capacity.length; at++) supply[at % kinds]! += capacity[at]!
  const level = new Float64Array(kinds)
  const boundAt = (kind: number, price: number): number => {
    let bound = price * supply[kind]!
    for (let request = 0; request < requests; request++) {
      let gain = best[request]!
      for (let other = 0; other < kinds; other++) {
        gain -= (other === kind ? price : level[other]!) * wants[request * kinds + other]!
      }
      if (gain > 0) bound += gain
    }
    return bound
  }
  for (let sweep = 0; sweep < (kinds === 1 ? 1 : 3); sweep++) {
    for (let kind = 0; kind < kinds; kind++) {
      let [low, high] = [0, 0]
      for (let request = 0; request < requests; request++) {
        const want = wants[request * kinds + kind]!
        if (want > 0) high = Math.max(high, best[request]! / want)
      }
      for (let halving = 0; halving < 40; halving++) {
        const [left, right] = [low + (high - low) / 3, high - (high - low) / 3]
        if (boundAt(kind, left) <= boundAt(kind, right)) high = right
        else low = left
      }
      level[kind] = (low + high) / 2
    }
  }
  return capacity.map((_, at) => level[at % kinds]!)
}

/** Sums that are kept before one gives up listing them. */
const MOST_SUMS = 4096

/**
 * Capacities cut down to the largest sum of demands that fits into each: what lies above can never be used. Where demands
 * are coarse this tightens every relaxation a great deal. Left alone where there are too many sums to list.
 */
export function reachableCapacity({ starts, resources }: Candidates, packing: Packing): Float64Array {
  const { kinds, capacity, demand, demandPerPair } = packing
  const cut = capacity.slice()
  for (let kind = 0; kind < kinds; kind++) {
    let most = 0
    for (let at = kind; at < capacity.length; at += kinds) most = Math.max(most, capacity[at]!)
    const sizes = new Set<number>()
    const lists = demandPerPair ? resources.length : starts.length - 1
    for (let at = 0; at < lists && sizes.size <= 64; at++) {
      const size = demand[at * kinds + kind]!
      if (size > 0 && size <= most * (1 + FIT_TOLERANCE)) sizes.add(size)
    }
    const sums = sizes.size <= 64 ? reachableSums([...sizes], most * (1 + FIT_TOLERANCE)) : null
    if (sums === null) continue
    for (let at = kind; at < capacity.length; at += kinds) {
      const room = capacity[at]! * (1 + FIT_TOLERANCE)
      let [low, high] = [0, sums.length - 1]
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if (sums[middle]! <= room) low = middle
        else high = middle - 1
      }
      cut[at] = sums[low]!
    }
  }
  return cut
}

/** Sums of any numbers of sizes up to a limit, rising; null: too many. Sums that differ by rounding count as the larger. */
function reachableSums(sizes: readonly number[], limit: number): number[] | null {
  const sums = [0]
  const queue = [...sizes].sort((a, b) => a - b)
  if (queue.length === 0) return sums
  const pending = new Set(queue)
  while (pending.size > 0) {
    let next = Number.POSITIVE_INFINITY
    for (const sum of pending) next = Math.min(next, sum)
    pending.delete(next)
    const last = sums.at(-1)!
    if (next - last <= FIT_TOLERANCE * next) sums[sums.length - 1] = next
    else sums.push(next)
    if (sums.length + pending.size > MOST_SUMS) return null
    for (const size of sizes) if (next + size <= limit) pending.add(next + size)
  }
  return sums
}
