import { type Packing, Room } from '../allocation/packing.ts'
import type { Allocation, Candidates } from '../candidates.ts'
import type { Market } from '../market.ts'
import { sizeOf } from '../terms.ts'
import { type Payments, paymentsOf } from './payments.ts'

/**
 * Prices that stand before anybody bids: requests come in the order of the market and each takes the cheapest resource that
 * still has room, if its bid covers the price; of equally cheap ones that with the highest utility. Nobody's bid changes
 * what it pays or when its turn comes, so the true bid is the best one.
 *
 * @param candidates pairs that pass the filters without the budget's; their utilities only tell equally cheap ones apart,
 *   and must not read the bid for that
 * @param unitPrices [resources]: price of a unit of demand, from the rounds before
 */
export function postedPrices(
  market: Market,
  { starts, resources, utility }: Candidates,
  packing: Packing,
  unitPrices: ArrayLike<number>,
): Allocation & Payments {
  const room = new Room(packing)
  const resource = new Int32Array(market.requests.length).fill(-1)
  const payment = new Float64Array(market.requests.length)
  let value = 0
  for (const [at, request] of market.requests.entries()) {
    let best = -1
    let price = Number.POSITIVE_INFINITY
    for (let pair = starts[at]!; pair < starts[at + 1]!; pair++) {
      const asked = unitPrices[resources[pair]!]! * sizeOf(request.demand)
      if (asked > request.bid || asked > price || !room.fits(at, resources[pair]!, pair)) continue
      if (asked === price && utility[pair]! <= utility[best]!) continue
      best = pair
      price = asked
    }
    if (best < 0) continue
    room.take(at, resources[best]!, best)
    resource[at] = resources[best]!
    payment[at] = price
    value += utility[best]!
  }
  return { resource, value, ...paymentsOf(payment) }
}
