import type { Market } from '../auction/market.ts'
import type { BidReason } from './reasons.ts'

/** Who gets what in a round. Requests and resources are named by their ids. */
export interface Cleared {
  readonly winners: readonly Win[]
  readonly losers: readonly Loss[]
  /** Sum of the utilities of the matches. */
  readonly value: number
  /** VCG had no time, and the winners pay critical values. */
  readonly isFallback?: boolean
}

export interface Win {
  readonly request: string
  readonly resource: string
  readonly payment: number
}

export interface Loss {
  readonly request: string
  readonly reason: BidReason
  /** In words. */
  readonly detail: string
}

/** What rounds leave for those after them, also where another server clears them: prices and who has had what. */
export interface MarketMemory {
  /** How many rounds have gone into it. */
  readonly rounds: number
  memory(): Uint8Array
  /** Goes on from what another server has kept. False: it cannot be read, and nothing has changed. */
  adopt(memory: Uint8Array): boolean
}

/** The mechanism of the auction, as a market node wants it. What it neither lets win nor lose has lost by being outbid. */
export type ClearMarket = (market: Market) => Cleared | Promise<Cleared>
