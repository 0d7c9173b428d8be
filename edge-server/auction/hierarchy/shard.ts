import { greedyAllocation } from '../allocation/greedy.ts'
import { localSearch } from '../allocation/local-search.ts'
import type { Packing } from '../allocation/packing.ts'
import { upperBound } from '../allocation/upper-bound.ts'
import type { Candidates } from '../candidates.ts'
import { type CandidateOptions, candidatesOf } from '../candidates-of.ts'
import { pairRefusal } from '../filters.ts'
import type { Request, Resource } from '../market.ts'
import { type MatchScorer, matchScorer } from '../terms.ts'
import type { Weights } from '../weights.ts'
import type { Clusters } from './clusters.ts'
import { KINDS, type MarketColumns, requestAt, resourceAt } from './columns.ts'
import { GeoGrid } from './geo-grid.ts'
import { priceGuidedAllocation, utilityOfPair } from './price-guided.ts'

/** What all shards of a clearing look at; those from `chosen` on lie in shared memory and are written to, by each shard its own part. */
export interface ClearingState {
  readonly columns: MarketColumns
  readonly clusters: Clusters
  readonly weights: Weights
  readonly options: ShardOptions
  /** [KINDS]: mean capacity. Prices are looked for in these units: memory may be in MB or in GB. */
  readonly unit: Float64Array
  /** [requests]: resource that was won, or -1. */
  readonly chosen: Int32Array
  /** [requests]: what the match is worth. */
  readonly utility: Float64Array
  /** [resources × KINDS]: what is left. */
  readonly left: Float64Array
  /** [resources × KINDS]: dual prices. */
  readonly prices: Float64Array
  /** [shards × resources × KINDS]: what the requests of a shard would take at these prices. */
  readonly loads: Float64Array
  /** [requests]: resources that pass the filters, in reach of the request. */
  readonly passing: Int32Array
}

/** Options that can be sent to a thread. */
export interface ShardOptions
  extends Pick<CandidateOptions, 'msPerKm' | 'budget' | 'reachKm' | 'historyWeight'> {
  /** Resources with room that are offered, at most, to a request that its own cluster could not serve. */
  readonly spillOffers: number
  readonly priceSteps: number
  readonly searchEffort: number
}

/** What losers of a shard could still get: candidates of `requests`, by their places in the market's columns. */
export interface SpillOffers {
  readonly requests: Uint32Array
  readonly candidates: Candidates
}

/** Kicks without gain after which the search in a cluster ends. */
const PATIENCE = 20

/** Resources that are looked at for a request one by one, at most, when the bound is computed. */
const MOST_SEEN = 4096

/** Some of the clusters of a market, one after the other: the piece of work that goes to one thread. */
export interface Shard {
  readonly index: number
  readonly first: number
  readonly end: number
}

interface Gathered {
  readonly candidates: Candidates
  /** [requests]: what a match farther off than these could be worth at most. */
  readonly beyond: Float64Array
}

/** Works on shards of a clearing. Whichever thread has which shards, the results are the same. */
export class ShardWork {
  readonly #state: ClearingState
  readonly #resources: readonly Resource[]
  readonly #everywhere: GeoGrid
  readonly #options: CandidateOptions
  readonly #score: MatchScorer
  readonly #ideal: Resource
  /** By place in the clusters' list of requests. */
  readonly #requests: Request[] = []
  readonly #gathered = new Map<number, Gathered>()

  constructor(state: ClearingState) {
    const { columns, options, weights } = state
    this.#state = state
    const history = new Map<string, number>()
    for (let i = 0; i < columns.requests.count; i++) {
      if (columns.requests.history[i] !== 0) history.set(String(i), columns.requests.history[i]!)
    }
    // Requests for nothing are let in or kept out where the whole market is in view.
    this.#options = { ...options, history, zeroDemand: 'admit' }
    this.#resources = Array.from({ length: columns.resources.count }, (_, j) => resourceAt(columns, j))
    this.#everywhere = new GeoGrid(
      columns.resources.x,
      columns.resources.y,
      state.clusters.resources.slice().sort(),
    )
    this.#score = matchScorer(weights, this.#options)
    this.#ideal = idealOf(this.#resources)
  }

  /** Auctions within each cluster: who wins what of its own cluster's resources, what is left, what that was worth. */
  auction({ first, end }: Shard): void {
    for (let cluster = first; cluster < end; cluster++) this.#auction(cluster)
  }

  #auction(cluster: number): void {
    const { columns, clusters, weights, options, unit, chosen, utility, left, prices } = this.#state
    const [from, to] = [clusters.requestStarts[cluster]!, clusters.requestStarts[cluster + 1]!]
    const theirs = clusters.requests.subarray(from, to)
    const ours = clusters.resources.subarray(
      clusters.resourceStarts[cluster]!,
      clusters.resourceStarts[cluster + 1]!,
    )
    const market = {
      requests: Array.from(theirs, (_, k) => this.#request(from + k)),
      resources: Array.from(ours, (j) => this.#resources[j]!),
    }
    const near: number[] = []
    const shortlist = (request: number): number[] => {
      const i = theirs[request]!
      const [x, y] = [columns.requests.x[i]!, columns.requests.y[i]!]
      const radius2 = this.#radius(i) ** 2
      near.length = 0
      for (let k = 0; k < ours.length; k++) {
        const [dx, dy] = [columns.resources.x[ours[k]!]! - x, columns.resources.y[ours[k]!]! - y]
        if (dx * dx + dy * dy <= radius2) near.push(k)
      }
      return near
    }
    const candidates = candidatesOf(market, weights, { ...this.#options, shortlist })
    const packing = inUnits(packingOfRows(columns, theirs, ours), unit)
    const plain = greedyAllocation(candidates, packing)
    const dual = upperBound(candidates, packing, { value: plain.value, steps: options.priceSteps })
    const guided = priceGuidedAllocation(candidates, packing, dual.prices)
    const { resource } = localSearch(candidates, packing, {
      start: guided.value > plain.value ? guided : plain,
      evaluations: options.searchEffort * candidates.utility.length,
      patience: PATIENCE,
    })
    for (const [request, i] of theirs.entries()) {
      const won = resource[request]!
      if (won < 0) continue
      chosen[i] = ours[won]!
      utility[i] = utilityOfPair(candidates, request, won)
      for (let kind = 0; kind < KINDS; kind++) {
        left[ours[won]! * KINDS + kind]! -= columns.requests.demand[i * KINDS + kind]!
      }
    }
    for (const [k, j] of ours.entries()) {
      for (let kind = 0; kind < KINDS; kind++) {
        prices[j * KINDS + kind] = dual.prices[k * KINDS + kind]! / unit[kind]!
      }
    }
  }

  /** What is still to be had, all borders ignored, for requests that have nothing yet. */
  spill(shard: Shard): SpillOffers {
    const { columns, clusters, chosen, left, options } = this.#state
    const { requests } = columns
    const losers: number[] = []
    const [from, to] = this.#places(shard)
    for (let place = from; place < to; place++) {
      if (chosen[clusters.requests[place]!]! < 0) losers.push(place)
    }
    const open = this.#withRoom(losers.map((place) => clusters.requests[place]!))
    const grid = new GeoGrid(columns.resources.x, columns.resources.y, open)
    const offers = losers.map((place) => {
      const i = clusters.requests[place]!
      const request = this.#request(place)
      const isWanted = (j: number): boolean => {
        for (let kind = 0; kind < KINDS; kind++) {
          if (requests.demand[i * KINDS + kind]! > left[j * KINDS + kind]!) return false
        }
        return pairRefusal(request, this.#resources[j]!, this.#options) === null
      }
      return grid.nearest(requests.x[i]!, requests.y[i]!, this.#radius(i), options.spillOffers, isWanted)
    })
    const some = [...offers.keys()].filter((at) => offers[at]!.length > 0)
    const pairs = some.reduce((sum, at) => sum + offers[at]!.length, 0)
    const starts = new Uint32Array(some.length + 1)
    const resources = new Uint32Array(pairs)
    const utility = new Float64Array(pairs)
    let pair = 0
    for (const [row, at] of some.entries()) {
      for (const j of offers[at]!.sort((a, b) => a - b)) {
        resources[pair] = j
        utility[pair++] = this.#score(this.#request(losers[at]!), this.#resources[j]!)
      }
      starts[row + 1] = pair
    }
    return {
      requests: Uint32Array.from(some, (at) => clusters.requests[losers[at]!]!),
      candidates: { starts, resources, utility },
    }
  }

  /** Resources that still have room for the least that any of the requests wants. */
  #withRoom(requests: readonly number[]): Uint32Array {
    const { columns, left } = this.#state
    const least = new Float64Array(KINDS).fill(Number.POSITIVE_INFINITY)
    for (const i of requests) {
      for (let kind = 0; kind < KINDS; kind++) {
        least[kind] = Math.min(least[kind]!, columns.requests.demand[i * KINDS + kind]!)
      }
    }
    const all = new Uint32Array(columns.resources.count).map((_, j) => j)
    return all.filter((j) => least.every((amount, kind) => amount <= left[j * KINDS + kind]!))
  }

  /** Lists all that passes the filters for the shard's requests, within their reach and across all borders. */
  gather(shard: Shard): void {
    const { columns, clusters, passing } = this.#state
    const [from, to] = this.#places(shard)
    const starts = new Uint32Array(to - from + 1)
    const beyond = new Float64Array(to - from)
    let resources = new Uint32Array(64 * (to - from) + 1)
    let utility = new Float64Array(resources.length)
    let pairs = 0
    for (let place = from; place < to; place++) {
      const i = clusters.requests[place]!
      const request = this.#request(place)
      const [x, y] = [columns.requests.x[i]!, columns.requests.y[i]!]
      const radius = this.#radius(i)
      const seen = this.#everywhere.radiusOf(x, y, radius, MOST_SEEN)
      this.#everywhere.near(x, y, seen, (j) => {
        const [dx, dy] = [columns.resources.x[j]! - x, columns.resources.y[j]! - y]
        if (dx * dx + dy * dy > radius * radius) return
        const resource = this.#resources[j]!
        if (pairRefusal(request, resource, this.#options) !== null) return
        if (pairs === resources.length) {
          resources = grown(resources, new Uint32Array(2 * pairs))
          utility = grown(utility, new Float64Array(2 * pairs))
        }
        resources[pairs] = j
        utility[pairs++] = this.#score(request, resource)
      })
      starts[place - from + 1] = pairs
      passing[i] = pairs - starts[place - from]!
      if (seen < radius) {
        // Nothing farther off can be worth more than the best of everything at that distance.
        beyond[place - from] = this.#score(request, { ...this.#ideal, place: { x: x + seen, y } })
        passing[i] = Math.max(1, passing[i]!)
      }
    }
    const candidates = { starts, resources: resources.slice(0, pairs), utility: utility.slice(0, pairs) }
    this.#gathered.set(shard.index, { candidates, beyond })
  }

  /**
   * What the shard's requests add to the bound at the prices of all clusters: of each the best utility less price, over all that
   * was gathered. `load` of the shard becomes what they would take.
   */
  bound(shard: Shard): number {
    const { columns, clusters, prices, loads } = this.#state
    const { candidates, beyond } = this.#gathered.get(shard.index)!
    const { starts, resources, utility } = candidates
    const { demand } = columns.requests
    const load = loads.subarray(shard.index * prices.length, (shard.index + 1) * prices.length).fill(0)
    const cheapest = lowestPrices(prices)
    const [from, to] = this.#places(shard)
    let sum = 0
    for (let place = from; place < to; place++) {
      const row = place - from
      const wants = clusters.requests[place]! * KINDS
      let most = 0
      let choice = -1
      for (let pair = starts[row]!; pair < starts[row + 1]!; pair++) {
        if (utility[pair]! <= most) continue
        const offers = resources[pair]! * KINDS
        let surplus = utility[pair]!
        for (let kind = 0; kind < KINDS; kind++) surplus -= prices[offers + kind]! * demand[wants + kind]!
        if (surplus > most) {
          most = surplus
          choice = offers
        }
      }
      for (let kind = 0; kind < KINDS && choice >= 0; kind++) load[choice + kind]! += demand[wants + kind]!
      let far = beyond[row]!
      for (let kind = 0; kind < KINDS; kind++) far -= cheapest[kind]! * demand[wants + kind]!
      sum += Math.max(most, far)
    }
    return sum
  }

  #places({ first, end }: Shard): [number, number] {
    const { requestStarts } = this.#state.clusters
    return [requestStarts[first]!, requestStarts[end]!]
  }

  #request(place: number): Request {
    const { columns, clusters } = this.#state
    this.#requests[place] ??= requestAt(columns, clusters.requests[place]!)
    return this.#requests[place]!
  }

  /** How far from a request a resource may be, in kilometres. */
  #radius(i: number): number {
    const { msPerKm = 0.01 } = this.#state.options
    // A hair more: what lies on the very edge is for the filter to judge.
    return msPerKm === 0 ? Infinity : (this.#state.columns.requests.latencyMs[i]! / msPerKm) * (1 + 1e-9)
  }
}

/** A resource that is in every respect as good as the best one. */
function idealOf(resources: readonly Resource[]): Resource {
  const ideal = { ...resources[0]! }
  for (const { unitCost, reliability, availability, energy } of resources) {
    ideal.unitCost = Math.min(ideal.unitCost, unitCost)
    ideal.reliability = Math.max(ideal.reliability, reliability)
    ideal.availability = Math.max(ideal.availability, availability)
    ideal.energy = Math.max(ideal.energy, energy)
  }
  return ideal
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from as never)
  return to
}

function lowestPrices(prices: Float64Array): Float64Array {
  const lowest = new Float64Array(KINDS).fill(Infinity)
  for (let at = 0; at < prices.length; at++) {
    if (prices[at]! < lowest[at % KINDS]!) lowest[at % KINDS] = prices[at]!
  }
  return lowest
}

/** What some requests take and some resources hold. All kinds count: prices are kept of each. */
export function packingOfRows(
  { requests, resources }: MarketColumns,
  takers: Uint32Array,
  holders: Uint32Array,
  capacity: Float64Array = resources.capacity,
): Packing {
  return {
    requests: takers.length,
    resources: holders.length,
    kinds: KINDS,
    capacity: rows(capacity, holders),
    demand: rows(requests.demand, takers),
    demandPerPair: false,
  }
}

/** The same amounts, of each kind in its own unit. */
function inUnits(packing: Packing, unit: Float64Array): Packing {
  const scaled = (table: Float64Array) => table.map((amount, at) => amount / unit[at % KINDS]!)
  return { ...packing, capacity: scaled(packing.capacity), demand: scaled(packing.demand) }
}

function rows(table: Float64Array, members: Uint32Array): Float64Array {
  const some = new Float64Array(members.length * KINDS)
  for (let k = 0; k < members.length; k++) {
    for (let kind = 0; kind < KINDS; kind++) some[k * KINDS + kind] = table[members[k]! * KINDS + kind]!
  }
  return some
}
