import type { Candidates } from '../candidates.ts'
import { demandAt, type Packing } from '../allocation/packing.ts'
import { PriceSearch } from './price-search.ts'
import { reachable } from './reachable.ts'

export interface DualOptions {
  /** What some allocation is worth: steps aim there. The better it is, the better the prices. Default 0. */
  readonly value?: number
  /** How often prices are moved. Default 60. */
  readonly steps?: number
}

export interface DualPrices {
  /** [resources × kinds of the packing]: what a unit of a resource is worth to those who compete for it, in utility. */
  readonly prices: Float64Array
  /** No allocation of these candidates is worth more. */
  readonly bound: number
}

/**
 * Prices of scarce resources, and the bound on every allocation that follows from them (Lagrangian relaxation of the
 * capacities; Fisher 1981): for any prices ≥ 0 no allocation is worth more than
 *
 *     sum of capacities × prices + sum over requests of max(0, best utility - price × demand).
 *
 * Prices are moved along the subgradient with Polyak's steps; the best ones met are returned. The bound is never below that
 * of the linear relaxation, except where demands are coarse (see {@link reachable}).
 */
export function dualPrices(
  candidates: Candidates,
  packing: Packing,
  { value = 0, steps = 60 }: DualOptions = {},
): DualPrices {
  const { kinds, resources } = packing
  const capacity = reachableCapacity(packing)
  const unit = unitsOf(packing)
  const load = new Float64Array(resources * kinds)
  const prices = new Float64Array(resources * kinds)
  let best = { prices, bound: lagrangian(candidates, packing, capacity, prices, load) }

  // A start: one price for all, in which a unit of each kind costs what its scarcity says.
  const scarcity = new Float64Array(kinds)
  for (let kind = 0; kind < kinds; kind++) {
    let [asked, held] = [0, 0]
    for (let at = kind; at < capacity.length; at += kinds) {
      asked += load[at]!
      held += capacity[at]!
    }
    scarcity[kind] = asked > held ? 1 / unit[kind]! : 0
  }
  for (let level = 2; level > 1e-3; level /= 1.6) {
    const flat = prices.map((_, at) => level * scarcity[at % kinds]!)
    const bound = lagrangian(candidates, packing, capacity, flat, load)
    if (bound < best.bound) best = { prices: flat, bound }
  }

  const search = new PriceSearch(best.prices.slice(), { capacity, kinds, value })
  for (let step = 0; step < steps; step++) {
    const bound = lagrangian(candidates, packing, capacity, search.prices, load)
    if (!search.observe(bound, load)) break
  }
  return { prices: search.best, bound: search.bound }
}

/** What sums of the demands can fill of each capacity: [resources × kinds]. */
export function reachableCapacity({ kinds, capacity, demand }: Packing): Float64Array {
  const whole = new Float64Array(capacity.length)
  for (let kind = 0; kind < kinds; kind++) {
    const ofKind = reachable(column(capacity, kind, kinds), column(demand, kind, kinds))
    for (let j = 0; j < ofKind.length; j++) whole[j * kinds + kind] = ofKind[j]!
  }
  return whole
}

/** The bound at the given prices; `load` becomes what requests take of each resource when they choose by them. */
function lagrangian(
  { starts, resources, utility }: Candidates,
  packing: Packing,
  capacity: Float64Array,
  prices: Float64Array,
  load: Float64Array,
): number {
  const { kinds, demand } = packing
  load.fill(0)
  let bound = 0
  for (let at = 0; at < prices.length; at++) bound += capacity[at]! * prices[at]!
  for (let request = 0; request + 1 < starts.length; request++) {
    let most = 0
    let chosen = -1
    for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
      const wants = demandAt(packing, request, pair)
      const offers = resources[pair]! * kinds
      let left = utility[pair]!
      for (let kind = 0; kind < kinds; kind++) left -= prices[offers + kind]! * demand[wants + kind]!
      if (left > most) [most, chosen] = [left, pair]
    }
    if (chosen < 0) continue
    bound += most
    const wants = demandAt(packing, request, chosen)
    const offers = resources[chosen]! * kinds
    for (let kind = 0; kind < kinds; kind++) load[offers + kind]! += demand[wants + kind]!
  }
  return bound
}

/** Mean capacity by kind. */
function unitsOf({ kinds, resources, capacity }: Packing): Float64Array {
  const unit = new Float64Array(kinds)
  for (let at = 0; at < capacity.length; at++) unit[at % kinds]! += capacity[at]! / resources
  return unit.map((one) => one || 1)
}

function column(table: Float64Array, kind: number, kinds: number): Float64Array {
  const one = new Float64Array(table.length / kinds)
  for (let row = 0; row < one.length; row++) one[row] = table[row * kinds + kind]!
  return one
}
