import type { Amounts, Place, Request, Resource } from './market.ts'
import { normalisedWeights, type Weights } from './weights.ts'

/** What one match is worth in each respect, each from 0 to 1. */
export interface Terms {
  /** The share of the bid that running the request leaves over. The only term that reads the bid. */
  readonly cost: number
  /** Half how dependable the resource is, half how near. */
  readonly qos: number
  readonly energy: number
  /** The priority, less what the requester has had lately. */
  readonly fair: number
}

/** What the terms need to know beside the pair. */
export interface Scales {
  /** Distance in kilometres from which on nearness counts nothing. Default 200. */
  readonly reachKm?: number
  /** What a requester's recent share of 1 takes from its fairness term. Default 0.5. */
  readonly historyWeight?: number
  /** Recent share of a requester, 0 (nothing) and more. Absent: nobody has had anything. */
  readonly history?: ReadonlyMap<string, number>
}

/** All that is demanded, over the kinds of amounts. */
export function sizeOf(demand: Amounts): number {
  let size = 0
  for (const amount of demand) size += amount
  return size
}

/** What running a request on a resource costs whoever runs it. */
export const runningCost = (request: Request, resource: Resource): number =>
  resource.unitCost * sizeOf(request.demand)

export const distanceKm = (a: Place, b: Place): number => Math.sqrt((a.x - b.x) ** 2 + (a.y - b.y) ** 2)

/** 1 - cost / bid: 0 for a bid that does not cover the cost, near 1 for one that is far above. Grows with the bid. */
export function costTerm(bid: number, cost: number): number {
  if (cost === 0) return 1
  return bid > cost ? 1 - cost / bid : 0
}

export function qosTerm(request: Request, resource: Resource, { reachKm = 200 }: Scales = {}): number {
  const near = Math.max(0, 1 - distanceKm(request.place, resource.place) / reachKm)
  return (0.5 * (resource.reliability + resource.availability)) / 2 + 0.5 * near
}

export function fairTerm(request: Request, { historyWeight = 0.5, history }: Scales = {}): number {
  const had = history?.get(request.requester) ?? 0
  return Math.min(1, Math.max(0, request.priority - historyWeight * had))
}

/** The four terms of a match, after MOHAF section 3, with each brought to 0 … 1. */
export function termsOf(request: Request, resource: Resource, scales: Scales = {}): Terms {
  return {
    cost: costTerm(request.bid, runningCost(request, resource)),
    qos: qosTerm(request, resource, scales),
    energy: resource.energy,
    fair: fairTerm(request, scales),
  }
}

/** What the terms other than the cost add to the utility. Does not read the bid. */
export function bonusOf(
  request: Request,
  resource: Resource,
  { qos, energy, fair }: Weights,
  scales: Scales = {},
): number {
  return (
    qos * qosTerm(request, resource, scales) + energy * resource.energy + fair * fairTerm(request, scales)
  )
}

/**
 * What a match is worth, 0 … 1: the one function that scores every method. `weights` are normalised here; in a loop, use
 * {@link matchScorer}.
 */
export function utilityOf(
  request: Request,
  resource: Resource,
  weights: Weights,
  scales: Scales = {},
): number {
  return matchScorer(weights, scales)(request, resource)
}

/** Scores matches; `bid` stands in for the request's own where one asks what another bid would do. */
export type MatchScorer = (request: Request, resource: Resource, bid?: number) => number

export function matchScorer(weights: Weights, scales: Scales = {}): MatchScorer {
  const share = normalisedWeights(weights)
  return (request, resource, bid = request.bid) =>
    Math.min(
      1,
      share.cost * costTerm(bid, runningCost(request, resource)) + bonusOf(request, resource, share, scales),
    )
}
