import type { WireErrorCode } from '@isthmus/proto'
import type { ClearMarket, MarketMemory } from './clearing.ts'
import type { Journal } from './journal.ts'
import type { Lease, LeaseLedgerOptions, LedgerEntry } from './lease-ledger.ts'
import type { VoiceOptions } from './market-voice.ts'
import type { BidReason } from './reasons.ts'
import type { BidKey } from './round-book.ts'
import type { Term } from './term.ts'

/** How a market is run; the same for all its servers. */
export interface MarketRules {
  readonly roundMs: number
  readonly leaseMs: number
  /** After so long a lease has to be won again, however often it was renewed. */
  readonly tenureMs?: number
  /** How long a lease is held for a device that has not accepted it. */
  readonly holdMs: number
  readonly maxBids: number
  readonly maxDevices: number
  /** Bids, repetitions and renewals of one device that are read in a round. */
  readonly perRound: number
  /** Bids of one device that wait at most. */
  readonly maxOpen: number
}

/** What a server says of itself to the market. */
export interface Offer extends Pick<LeaseLedgerOptions, 'capacity' | 'credits'> {
  /** Kind of server, as bids may want it. */
  readonly kind: string
  readonly unitCost: number
  readonly reliability: number
  readonly availability: number
  readonly energy: number
  readonly place: { readonly x: number; readonly y: number }
}

/** Why a lease ended. */
export type EndOfLease = 'expired' | 'released' | 'offline' | 'not-kept'

/** Told of everything that an operator counts. */
export interface MarketObserver {
  /** This server holds the auctions from now on, or not any more. */
  elected(leads: boolean, term: Term): void
  /** A round of this auctioneer is cleared. */
  cleared(round: RoundFigures): void
  /** A bid was turned away before its round, or a message of the market could not be read. */
  rejected(device: string, reason: BidReason | WireErrorCode, detail: string): void
  granted(lease: Lease): void
  /** A lease that an order wanted was refused by this server. */
  refused(reason: BidReason): void
  ended(lease: BidKey, why: EndOfLease): void
  journalFailed(error: unknown): void
  /** The bids of the round are in the next one. */
  clearingFailed(error: unknown): void
}

export interface RoundFigures {
  readonly term: Term
  readonly round: number
  readonly bids: number
  readonly winners: number
  readonly value: number
  /** Sum of the payments. */
  readonly revenue: number
  /** VCG had no time, and the winners pay critical values. */
  readonly isFallback: boolean
  /** From the close until all was on its way. */
  readonly tookMs: number
}

export interface MarketNodeOptions extends VoiceOptions {
  readonly rules: MarketRules
  readonly offer: Offer
  readonly clear: ClearMarket
  /** What `clear` remembers, for the next auctioneer. */
  readonly memory?: MarketMemory
  readonly journal: Journal
  /** What an earlier life has written down. */
  readonly entries?: Iterable<LedgerEntry>
  readonly observer: MarketObserver
}
