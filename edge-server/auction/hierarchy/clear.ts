import { greedyAllocation } from '../allocation/greedy.ts'
import { reachableCapacity } from '../allocation/upper-bound.ts'
import type { Allocation, Candidates } from '../candidates.ts'
import type { CandidateOptions } from '../candidates-of.ts'
import { type RequestRefusal, requestRefusals } from '../filters.ts'
import type { Market } from '../market.ts'
import { defaultWeights, normalisedWeights, type Weights } from '../weights.ts'
import { type ClusterOptions, clustersOf } from './clusters.ts'
import { columnsOf, KINDS, sharedFloats, sharedIntegers } from './columns.ts'
import { utilityOfPair } from './price-guided.ts'
import { meanCapacity, PriceSearch } from './price-search.ts'
import { type ClearingState, packingOfRows, type Shard, type SpillOffers } from './shard.ts'
import { LocalShards, type ShardRunner } from './shard-runner.ts'

/** Pieces of work that a clearing is cut into, whatever the number of threads: results must not hang on that. */
const SHARDS = 16

export interface HierarchyOptions extends Omit<CandidateOptions, 'shortlist'>, ClusterOptions {
  readonly weights?: Weights
  /** Who does the work. Default: the caller's own thread. */
  readonly runner?: ShardRunner
  /** Resources with room that a request is offered, at most, in a pass across borders. Default 32. */
  readonly spillOffers?: number
  /** Passes across borders, at most. Default 8; 0: none. */
  readonly spillPasses?: number
  /** How often a cluster's dual prices are moved. Default 40. */
  readonly priceSteps?: number
  /** Pairs that the local search in a cluster looks at, for each pair that it has. Default 5; 0: no search. */
  readonly searchEffort?: number
  /** How often the prices of all clusters are moved together, for the bound alone. Default 20. */
  readonly boundSteps?: number
}

/** What a clearing by clusters came to. */
export interface HierarchicalClearing extends Allocation {
  /** No allocation of the whole market, borders or not, is worth more. */
  readonly upperBound: number
  /** (upperBound - value) / upperBound: the share that might be lost at most. 0 when there is nothing to win. */
  readonly gap: number
  /** [requests]: why a request is out of the round; null: it took part. */
  readonly refusals: readonly (RequestRefusal | null)[]
  /** [resources × 4]: what a unit of each amount is worth to those who compete for it, in utility. */
  readonly prices: Float64Array
  readonly clusters: ClusterSummary
  /** Requests served in each pass across borders. */
  readonly spilled: readonly number[]
}

/** What is worth a line in a log. */
export interface ClusterSummary {
  readonly count: number
  readonly fewestResources: number
  readonly mostResources: number
  readonly mostRequests: number
}

/**
 * Clears a market by clusters: an auction within each, on its own; then passes across the borders, in which whoever got nothing
 * competes for what is left anywhere in its reach; then the bound on what any allocation could have been worth, from the
 * clusters' dual prices. Time and memory grow with requests × resources of a cluster, never with requests × resources.
 *
 * The result does not depend on the order of requests and resources, nor on the number of threads. Resources must be
 * well-formed. Throws `NO_CLUSTERS` for a market without resources, `BAD_MARKET` for ids that are there twice, and
 * `AUCTION_THREAD_DIED` when a thread of the runner dies.
 */
export async function clearByClusters(
  market: Market,
  options: HierarchyOptions = {},
): Promise<HierarchicalClearing> {
  const { spillPasses = 8, runner = new LocalShards(), weights = defaultWeights } = options
  const refusals = requestRefusals(market, options)
  const columns = columnsOf(market, options.history, (request) => refusals[request] !== null)
  const { requests, resources } = columns
  const clusters = clustersOf(columns, options)
  const shards = shardsOf(clusters.count)
  const state: ClearingState = {
    columns,
    clusters,
    weights: normalisedWeights(weights),
    options: {
      spillOffers: options.spillOffers ?? 32,
      priceSteps: options.priceSteps ?? 40,
      searchEffort: options.searchEffort ?? 5,
      ...given(options, ['msPerKm', 'budget', 'reachKm', 'historyWeight']),
    },
    unit: meanCapacity(resources.capacity),
    chosen: sharedIntegers(requests.count).fill(-1),
    utility: sharedFloats(requests.count),
    left: sharedFloats(resources.count * KINDS),
    prices: sharedFloats(resources.count * KINDS),
    passing: sharedIntegers(requests.count),
    loads: sharedFloats(shards.length * resources.count * KINDS),
  }
  state.left.set(resources.capacity)
  runner.open(state)
  await runner.ask('auction', shards)
  const spilled: number[] = []
  while (spilled.length < spillPasses) {
    const served = placeSpill(state, await runner.ask('spill', shards))
    if (served === 0) break
    spilled.push(served)
  }
  await runner.ask('gather', shards)
  const resource = new Int32Array(market.requests.length).fill(-1)
  let value = 0
  for (let i = 0; i < requests.count; i++) {
    const at = requests.source[i]!
    if (state.chosen[i]! >= 0) resource[at] = resources.source[state.chosen[i]!]!
    else if (state.passing[i] === 0) refusals[at] = 'no resource passes'
    value += state.utility[i]!
  }
  const upperBound = await provedBound(state, shards, { value, runner, steps: options.boundSteps ?? 20 })
  const prices = new Float64Array(market.resources.length * KINDS)
  for (let j = 0; j < resources.count; j++) {
    prices.set(state.prices.subarray(j * KINDS, (j + 1) * KINDS), resources.source[j]! * KINDS)
  }
  return {
    resource,
    value,
    upperBound,
    gap: upperBound > 0 ? (upperBound - value) / upperBound : 0,
    refusals,
    prices,
    clusters: summaryOf(clusters),
    spilled,
  }
}

/** Gives what is left to those whom the offers reach; returns how many got something. */
function placeSpill(state: ClearingState, offers: readonly SpillOffers[]): number {
  const { requests, candidates } = inOrder(offers)
  if (requests.length === 0) return 0
  const { columns, chosen, utility, left } = state
  const everywhere = new Uint32Array(columns.resources.count).map((_, j) => j)
  // What is left may be a rounding error below nothing.
  const room = left.map((amount) => Math.max(0, amount))
  const packing = packingOfRows(columns, requests, everywhere, room)
  const { resource } = greedyAllocation(candidates, packing)
  let served = 0
  for (const [row, i] of requests.entries()) {
    const won = resource[row]!
    if (won < 0) continue
    served++
    chosen[i] = won
    utility[i] = utilityOfPair(candidates, row, won)
    for (let kind = 0; kind < KINDS; kind++) {
      left[won * KINDS + kind]! -= columns.requests.demand[i * KINDS + kind]!
    }
  }
  return served
}

/** The offers of all shards in the order of the requests, which is what ties are broken by. */
function inOrder(offers: readonly SpillOffers[]): SpillOffers {
  const all = offers.flatMap(({ requests, candidates }) =>
    Array.from(requests, (request, row) => ({ request, row, candidates })),
  )
  all.sort((a, b) => a.request - b.request)
  const pairs = offers.reduce((sum, { candidates }) => sum + candidates.resources.length, 0)
  const candidates: Candidates = {
    starts: new Uint32Array(all.length + 1),
    resources: new Uint32Array(pairs),
    utility: new Float64Array(pairs),
  }
  for (const [at, { row, candidates: from }] of all.entries()) {
    const begin = candidates.starts[at]!
    candidates.resources.set(from.resources.subarray(from.starts[row]!, from.starts[row + 1]!), begin)
    candidates.utility.set(from.utility.subarray(from.starts[row]!, from.starts[row + 1]!), begin)
    candidates.starts[at + 1] = begin + from.starts[row + 1]! - from.starts[row]!
  }
  return { requests: Uint32Array.from(all, ({ request }) => request), candidates }
}

/** The bound on every allocation of the whole market. Clusters set prices without each other: they are made to agree first. */
async function provedBound(
  state: ClearingState,
  shards: readonly Shard[],
  { value, runner, steps }: { readonly value: number; readonly runner: ShardRunner; readonly steps: number },
): Promise<number> {
  const { columns, prices, loads } = state
  const everything = (count: number) => new Uint32Array(count).map((_, at) => at)
  const { count } = columns.requests
  // Pairs do not matter here: a request wants the same everywhere.
  const pairless = {
    starts: new Uint32Array(count + 1),
    resources: new Uint32Array(0),
    utility: new Float64Array(0),
  }
  const capacity = reachableCapacity(
    pairless,
    packingOfRows(columns, everything(count), everything(columns.resources.count)),
  )
  const search = new PriceSearch(prices, { capacity, kinds: KINDS, value })
  for (let step = 0; ; step++) {
    let bound = 0
    for (let at = 0; at < prices.length; at++) bound += prices[at]! * capacity[at]!
    for (const surplus of await runner.ask('bound', shards)) bound += surplus
    const load = loads.slice(0, prices.length)
    for (let from = load.length; from < loads.length; from += load.length) {
      for (let at = 0; at < load.length; at++) load[at]! += loads[from + at]!
    }
    if (!search.observe(bound, load) || step >= steps) break
  }
  prices.set(search.best)
  // Rounding must not turn a proof into a claim that is too small.
  return Math.max(value, search.bound * (1 + 1e-12))
}

function shardsOf(clusters: number): Shard[] {
  const count = Math.min(SHARDS, clusters)
  const border = (shard: number) => Math.floor((clusters * shard) / count)
  return Array.from({ length: count }, (_, shard) => ({
    index: shard,
    first: border(shard),
    end: border(shard + 1),
  }))
}

function summaryOf({ count, requestStarts, resourceStarts }: ClearingState['clusters']): ClusterSummary {
  const sizes = (starts: Uint32Array) => Array.from({ length: count }, (_, c) => starts[c + 1]! - starts[c]!)
  return {
    count,
    fewestResources: Math.min(...sizes(resourceStarts)),
    mostResources: Math.max(...sizes(resourceStarts)),
    mostRequests: Math.max(...sizes(requestStarts)),
  }
}

function given<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]),
  ) as Pick<T, K>
}
