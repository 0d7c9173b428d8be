import { requestFault } from './faults.ts'
import type { Amounts, Market, Request, Resource } from './market.ts'
import { distanceKm, runningCost, sizeOf } from './terms.ts'

/** Why a resource cannot serve a request. */
export type PairRefusal = 'kind' | 'capacity' | 'reliability' | 'availability' | 'latency' | 'budget'

/** Why a request is not in the round at all. */
export type RequestRefusal =
  /** A number is missing or makes no sense. */
  | 'malformed'
  /** It asks for nothing: there is nothing to sell, and it would take a slot of its own where slots are exclusive. */
  | 'zero demand'
  /** It asks for more than any resource has. */
  | 'infeasible: more than any resource has'
  /** Each resource fails it for a reason of its own: ask {@link pairRefusal}. */
  | 'no resource passes'

export interface FilterOptions {
  /** What a kilometre of way adds to the latency. Default 0.01: there and back in fibre. */
  readonly msPerKm?: number
  /**
   * `refuse` (default): a request for nothing is refused. `admit`: it takes part, at no cost, as in the published
   * experiment.
   */
  readonly zeroDemand?: 'refuse' | 'admit'
  /**
   * Whether a bid has to cover the running cost. Default true. False where the rule of payment looks after that itself
   * (`vcg` counts the cost in the welfare).
   */
  readonly budget?: boolean
}

/** Sums like 0.1 + 0.2 may miss a capacity of 0.3 by rounding; that much is forgiven, as a share of the capacity. */
export const FIT_TOLERANCE = 1e-9

/** Whether amounts fit into a capacity. */
export function fits(demand: Amounts, capacity: Amounts): boolean {
  for (const [kind, amount] of demand.entries()) {
    if (amount > capacity[kind]! * (1 + FIT_TOLERANCE)) return false
  }
  return true
}

/** The first reason why a resource cannot serve a request; null: it can. Both must be well-formed. */
export function pairRefusal(
  request: Request,
  resource: Resource,
  { msPerKm = 0.01, budget = true }: FilterOptions = {},
): PairRefusal | null {
  const { needs } = request
  if (request.kind !== undefined && request.kind !== resource.kind) return 'kind'
  if (!fits(request.demand, resource.capacity)) return 'capacity'
  if (resource.reliability < needs.reliability) return 'reliability'
  if (resource.availability < needs.availability) return 'availability'
  if (distanceKm(request.place, resource.place) * msPerKm > needs.latencyMs) return 'latency'
  if (budget && request.bid < runningCost(request, resource)) return 'budget'
  return null
}

/**
 * Why each request is out of the round before any resource is looked at, in the order of the market; null: it takes
 * part. A malformed request is refused alone: the others are as if it were not there.
 */
export function requestRefusals(
  { requests, resources }: Market,
  { zeroDemand = 'refuse' }: FilterOptions = {},
): (RequestRefusal | null)[] {
  const shapes = roomiest(resources.map(({ capacity }) => capacity))
  return requests.map((request) => {
    if (requestFault(request) !== null) return 'malformed'
    if (zeroDemand === 'refuse' && sizeOf(request.demand) === 0) return 'zero demand'
    if (!shapes.some((capacity) => fits(request.demand, capacity))) {
      return 'infeasible: more than any resource has'
    }
    return null
  })
}

/** The capacities that no other one covers: enough to tell whether something fits anywhere. */
function roomiest(capacities: readonly Amounts[]): Amounts[] {
  const kept: Amounts[] = []
  for (const capacity of [...capacities].sort((a, b) => sizeOf(b) - sizeOf(a))) {
    if (!kept.some((larger) => capacity.every((amount, kind) => amount <= larger[kind]!))) kept.push(capacity)
  }
  return kept
}
