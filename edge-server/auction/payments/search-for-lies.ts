import { type Random, seededRandom } from '@isthmus/models/data'
import type { Market } from '../market.ts'
import { clearRound, type PaymentRule, type RoundOptions } from '../round.ts'
import type { RankRule } from './critical.ts'

/** A bid other than the true one with which a requester was better off. */
export interface ProfitableLie {
  readonly market: number
  readonly request: string
  readonly worth: number
  readonly bid: number
  /** Money. */
  readonly gain: number
}

export interface LieSearch {
  readonly markets: number
  /** Misreports tried in each market. */
  readonly misreports: number
  readonly seed: number
  /** For `critical`. */
  readonly rank?: RankRule
  readonly marketOf: (random: Random, requests: number, resources: number) => Market
}

/** What rounding of sums may look like a gain. */
const ROUNDING = 1e-9

/**
 * Looks for profitable lies: in each market, in which all bids are true, requests in turn bid something else (nothing, a
 * little less or more, what they would have had to pay, a rival's bid, anything), all else being equal. Every other market
 * is exclusive; half of them, for VCG, with a bonus that is not bid for.
 */
export async function searchForLies(
  payment: Exclude<PaymentRule, 'none'>,
  { markets, misreports, seed, rank = 'utility', marketOf }: LieSearch,
): Promise<ProfitableLie[]> {
  const lies: ProfitableLie[] = []
  for (let number = 0; number < markets; number++) {
    const random = seededRandom(seed, number)
    const market = marketOf(random, 3 + random.below(5), 2 + random.below(3))
    const bonusWorth = number % 4 < 2 ? 0 : 5
    const options: RoundOptions = { payment, rank, exclusive: number % 2 === 1, bonusWorth }
    const honest = await gainsOf(market, options)
    for (let k = 0; k < misreports; k++) {
      const at = k % market.requests.length
      const one = market.requests[at]!
      const { paid } = honest.get(one.id)!
      const rival = market.requests[random.below(market.requests.length)]!
      const bids = [
        () => 0,
        () => one.bid * (0.9 + 0.2 * random.uniform()),
        () => paid * (0.999 + 0.002 * random.uniform()),
        () => rival.bid * (0.999 + 0.002 * random.uniform()),
        () => 40 * random.uniform(),
      ]
      const bid = bids[random.below(bids.length)]!()
      const gain = (
        await gainsOf({ ...market, requests: market.requests.with(at, { ...one, bid }) }, options)
      ).get(one.id)!
      const better = (gain.won ? one.bid - gain.paid : 0) - (honest.get(one.id)!.won ? one.bid - paid : 0)
      if (better > ROUNDING) lies.push({ market: number, request: one.id, worth: one.bid, bid, gain: better })
    }
  }
  return lies
}

async function gainsOf(
  market: Market,
  options: RoundOptions,
): Promise<Map<string, { readonly won: boolean; readonly paid: number }>> {
  const { awards } = await clearRound(market, options)
  return new Map(
    awards.map(({ request, resource, payment }) => [request, { won: resource !== null, paid: payment }]),
  )
}
