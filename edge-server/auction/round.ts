import { edgeError } from '../errors.ts'
import { bounded, type ExactAllocation, exactAllocation } from './allocation/exact.ts'
import { localSearch } from './allocation/local-search.ts'
import { type Packing, packingOf } from './allocation/packing.ts'
import { upperBound } from './allocation/upper-bound.ts'
import type { Allocation, Candidates } from './candidates.ts'
import { type CandidateOptions, siftMarket } from './candidates-of.ts'
import { inOrder } from './fairness/history.ts'
import { type JainIndices, jainIndices } from './fairness/jain.ts'
import { resourceFault } from './faults.ts'
import type { RequestRefusal } from './filters.ts'
import type { Market } from './market.ts'
import { criticalPayments, type RankRule, rankingOf } from './payments/critical.ts'
import { mohaf2025Payments } from './payments/mohaf-2025.ts'
import { type Payments, paymentsOf } from './payments/payments.ts'
import { postedPrices } from './payments/posted.ts'
import { vcgPayments, welfareOf } from './payments/vcg.ts'
import { defaultWeights, type Weights } from './weights.ts'

/** How winners pay; docs/auctions.md says what each promises. */
export type PaymentRule = 'critical' | 'vcg' | 'posted' | 'mohaf-2025' | 'none'

export interface RoundOptions extends Omit<CandidateOptions, 'budget' | 'shortlist'> {
  readonly weights?: Weights
  /** Default `critical`. */
  readonly payment?: PaymentRule
  /**
   * `fast`: greedy with local search. `exact`: the best there is. Default: what the rule of payment needs, else `fast`. Greedy
   * alone with `critical`, whatever this says, and in turn with `posted`.
   */
  readonly allocation?: 'fast' | 'exact'
  /** What `critical` ranks by. Default `utility`. */
  readonly rank?: RankRule
  /** One request at most for each resource. */
  readonly exclusive?: boolean
  /** By kind of resource: price of a unit of demand, for `posted`. */
  readonly unitPrices?: Readonly<Record<string, number>>
  /** For `vcg`: money for a full score in all terms but the cost. Default 0. */
  readonly bonusWorth?: number
  /**
   * Whether the upper bound is worked out, which takes longer than a fast allocation. Default true. False: `upperBound` is infinite
   * and `gap` 1, unless the allocation is exact.
   */
  readonly bound?: boolean
  /** What the exact solver may take, in all its runs for the round together. Default 10,000. */
  readonly timeLimitMs?: number
}

/** What became of a request. */
export interface Award {
  readonly request: string
  readonly requester: string
  /** null: it got nothing, for the reason beside. */
  readonly resource: string | null
  readonly payment: number
  readonly reason: RequestRefusal | 'outbid' | null
}

export interface RoundResult {
  /** One of each request, in the order in which ties were decided. */
  readonly awards: readonly Award[]
  /** The sum of the winners' utilities by the one function that scores every method. */
  readonly value: number
  /** No allocation is worth more. */
  readonly upperBound: number
  /** (upperBound - value) / upperBound. */
  readonly gap: number
  /** Whether the allocation is proved to be the best for what the mode maximises. */
  readonly isExact: boolean
  readonly fallback?: NonNullable<ExactAllocation['fallback']>
  readonly revenue: number
  readonly jain: JainIndices
  /** The market in the order of the awards, and the place of each request's resource in it or -1. */
  readonly market: Market
  readonly resource: Int32Array
}

interface Cleared extends Payments {
  readonly resource: Int32Array
  readonly isExact?: boolean
  readonly fallback?: NonNullable<ExactAllocation['fallback']>
}

/**
 * Clears one round. The order in which requests and resources are handed in does not matter; malformed requests lose, with
 * that reason, and change nothing for the others.
 *
 * @throws `BAD_MARKET` for a malformed resource or weight, `NOT_EXACT` for `vcg` without an exact allocation
 */
export async function clearRound(from: Market, options: RoundOptions = {}): Promise<RoundResult> {
  const { weights = defaultWeights, payment = 'critical' } = options
  for (const resource of from.resources) {
    const fault = resourceFault(resource)
    if (fault !== null) throw edgeError('BAD_MARKET', `Resource ${resource?.id}: ${fault}`)
  }
  const named = from.requests.filter((request) => typeof request?.id === 'string')
  const market = inOrder({ requests: named, resources: from.resources }, options.history)
  const reach: CandidateOptions = { ...options, budget: payment !== 'vcg' && payment !== 'posted' }
  const { candidates, refusals } = siftMarket(market, weights, reach)
  const packing = packingOf(market, options)
  const cleared = await clearedBy(payment, market, weights, candidates, packing, options)
  const { resource } = cleared
  const value = utilitySum(candidates, resource)
  const isProved = cleared.isExact && payment !== 'vcg'
  const { upperBound: bound, gap } =
    options.bound === false && !isProved
      ? { upperBound: Number.POSITIVE_INFINITY, gap: 1 }
      : bounded({ resource, value }, isProved ? 0 : upperBound(candidates, packing, { value }).bound)
  const awards = market.requests.map(({ id, requester }, at): Award => {
    const won = resource[at]! >= 0
    return {
      request: id,
      requester,
      resource: won ? market.resources[resource[at]!]!.id : null,
      payment: cleared.payment[at]!,
      reason: won ? null : (refusals[at] ?? 'outbid'),
    }
  })
  return {
    awards,
    value,
    upperBound: bound,
    gap,
    isExact: cleared.isExact ?? false,
    ...(cleared.fallback === undefined ? {} : { fallback: cleared.fallback }),
    revenue: cleared.revenue,
    jain: jainIndices(market, candidates, { resource, value }),
    market,
    resource,
  }
}

/** Elementary operations that a late bound may take: about a quarter of a second. */
const BOUND_WORK = 2e7

/**
 * The bound of a round that was cleared without one, for whoever has the time after the awards are out. On a large market it is
 * looser, so that it takes no longer.
 */
export function boundAfterwards(
  { market, resource, value }: Pick<RoundResult, 'market' | 'resource' | 'value'>,
  options: RoundOptions = {},
): Pick<RoundResult, 'upperBound' | 'gap'> {
  const { weights = defaultWeights, payment = 'critical' } = options
  const budget = payment !== 'vcg' && payment !== 'posted'
  const { candidates } = siftMarket(market, weights, { ...options, budget })
  const steps = Math.max(1, Math.min(100, Math.floor(BOUND_WORK / (4 * candidates.utility.length))))
  const { bound } = upperBound(candidates, packingOf(market, options), { value, steps })
  const { upperBound: most, gap } = bounded({ resource, value }, bound)
  return { upperBound: most, gap }
}

async function clearedBy(
  payment: PaymentRule,
  market: Market,
  weights: Weights,
  candidates: Candidates,
  packing: Packing,
  options: RoundOptions,
): Promise<Cleared> {
  if (payment === 'critical') {
    return criticalPayments(rankingOf(market, weights, options, options.rank))
  }
  if (payment === 'posted') {
    const { unitPrices = {} } = options
    const free = { ...weights, cost: 0 }
    const bidFree = free.qos + free.energy + free.fair > 0 ? free : { ...free, qos: 1 }
    const pairs = siftMarket(market, bidFree, { ...options, budget: false }).candidates
    const prices = market.resources.map(({ kind, unitCost }) => unitPrices[kind] ?? unitCost)
    return postedPrices(market, pairs, packing, prices)
  }
  const limit = options.timeLimitMs === undefined ? {} : { timeLimitMs: options.timeLimitMs }
  if (payment === 'vcg') {
    if (options.allocation === 'fast') throw edgeError('NOT_EXACT', 'VCG payments with allocation "fast"')
    const startMs = performance.now()
    const welfare = welfareOf(market, weights, options, options.bonusWorth)
    const best = await exactAllocation(welfare.candidates, packing, limit)
    // One limit for the round: there is a market to solve for each winner.
    const endMs = startMs + (options.timeLimitMs ?? 10_000)
    const solve = (of: Candidates) => {
      const timeLimitMs = endMs - performance.now()
      if (timeLimitMs > 0) return exactAllocation(of, packing, { timeLimitMs })
      throw edgeError('NOT_EXACT', 'There was no time for the markets without each of the winners')
    }
    return { ...best, ...(await vcgPayments(welfare, packing, best, solve)) }
  }
  const exact = options.allocation === 'exact'
  const found: Allocation & Partial<ExactAllocation> = exact
    ? await exactAllocation(candidates, packing, limit)
    : localSearch(candidates, packing)
  const paid =
    payment === 'none'
      ? paymentsOf(new Float64Array(market.requests.length))
      : mohaf2025Payments(market, candidates, found)
  return { ...found, ...paid }
}

function utilitySum({ starts, resources, utility }: Candidates, resource: Int32Array): number {
  let value = 0
  for (const [request, place] of resource.entries()) {
    if (place < 0) continue
    for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
      if (resources[pair] === place) value += utility[pair]!
    }
  }
  return value
}
