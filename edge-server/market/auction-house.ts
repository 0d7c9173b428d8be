import { IsthmusError, MAX_MESSAGE_BYTES } from '@isthmus/proto'
import {
  clearRound,
  type FairnessState,
  firstPrices,
  historyOf,
  nextFairness,
  nextPrices,
  type PriceOptions,
  type PriceState,
  type RequestRefusal,
  type RoundOptions,
} from '../auction/index.ts'
import type { Market } from '../auction/market.ts'
import type { Cleared, Loss, MarketMemory, Win } from './clearing.ts'
import { type HouseState, packHouse, parseHouse } from './house-state.ts'
import type { BidReason } from './reasons.ts'

export interface AuctionHouseOptions {
  readonly payment: NonNullable<RoundOptions['payment']>
  readonly prices: PriceOptions
  /** Capacity and what of it is used, in sums, by kind of server. */
  readonly loads: () => ReadonlyMap<
    string,
    { readonly capacity: readonly number[]; readonly used: readonly number[] }
  >
  /** Time that an exact round may take, in ms. */
  readonly timeLimitMs: number
  /** Where rounds are cleared. Default: on the caller's thread. */
  readonly clearRound?: typeof clearRound
  readonly state?: HouseState
}

/** What fits into one message, with its envelope. */
const MOST_MEMORY_BYTES = MAX_MESSAGE_BYTES - 256

const reasons: Record<RequestRefusal | 'outbid', BidReason> = {
  malformed: 'bad-demand',
  'zero demand': 'bad-demand',
  'infeasible: more than any resource has': 'no-room',
  'no resource passes': 'no-match',
  outbid: 'outbid',
}

/** Clears the rounds of a live market with the auction, and carries prices and the history of fairness from one to the next. */
export class AuctionHouse implements MarketMemory {
  readonly #options: AuctionHouseOptions
  #prices: PriceState
  #fairness: FairnessState

  constructor(options: AuctionHouseOptions) {
    this.#options = options
    this.#prices = options.state?.prices ?? { prices: {}, round: 0 }
    this.#fairness = options.state?.fairness ?? { shares: {} }
  }

  get state(): HouseState {
    return { prices: this.#prices, fairness: this.#fairness }
  }

  get rounds(): number {
    return this.#prices.round
  }

  memory(): Uint8Array {
    return packHouse(this.state, MOST_MEMORY_BYTES)
  }

  adopt(memory: Uint8Array): boolean {
    const state = parseHouse(new TextDecoder().decode(memory))
    if (state === undefined || state.prices.round <= this.rounds) return false
    this.#prices = state.prices
    this.#fairness = state.fairness
    return true
  }

  /** By kind of server: what a unit of demand costs, where prices are posted. */
  get prices(): Readonly<Record<string, number>> {
    return this.#prices.prices
  }

  async clear(market: Market): Promise<Cleared> {
    const { payment, timeLimitMs, clearRound: clear = clearRound } = this.#options
    this.#price(market)
    const options: RoundOptions = {
      payment,
      timeLimitMs,
      // Devices wait for their awards.
      bound: false,
      history: historyOf(this.#fairness),
      unitPrices: this.#prices.prices,
    }
    let isFallback = false
    const result = await clear(market, options).catch((error: unknown) => {
      // The next round would not be solved either, and bids would expire unanswered.
      if (payment !== 'vcg' || !(error instanceof IsthmusError && error.code === 'NOT_EXACT')) throw error
      isFallback = true
      return clear(market, { ...options, payment: 'critical' })
    })
    this.#fairness = nextFairness(this.#fairness, result.market, result.resource)
    const winners: Win[] = []
    const losers: Loss[] = []
    for (const { request, resource, payment: price, reason } of result.awards) {
      if (resource !== null) winners.push({ request, resource, payment: price })
      else losers.push({ request, reason: reasons[reason ?? 'outbid'], detail: '' })
    }
    return { winners, losers, value: result.value, isFallback }
  }

  /** Prices of this round follow from how full the servers are before it: no bid of the round moves them. */
  #price({ resources }: Market): void {
    const { prices: options, loads } = this.#options
    const costs = Object.fromEntries(resources.map(({ kind, unitCost }) => [kind, unitCost]))
    const { prices, round } = this.#prices
    const known = firstPrices({ ...costs, ...prices }, options)
    const utilisation: Record<string, number> = {}
    for (const [kind, { capacity, used }] of loads()) {
      utilisation[kind] = Math.max(...capacity.map((amount, at) => (amount > 0 ? used[at]! / amount : 0)))
    }
    this.#prices = nextPrices({ ...known, round }, utilisation, options)
  }
}
