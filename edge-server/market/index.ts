export { AuctionHouse } from './auction-house.ts'
export type { Cleared, ClearMarket, Loss, Win } from './clearing.ts'
export { type Journal, noJournal } from './journal.ts'
export { type Lease, LeaseLedger, type LedgerEntry } from './lease-ledger.ts'
export { MarketNode } from './market-node.ts'
export type {
  EndOfLease,
  MarketNodeOptions,
  MarketObserver,
  MarketRules,
  Offer,
  RoundFigures,
} from './market-options.ts'
export { type BidReason, bidReasons } from './reasons.ts'
export { compareTerms, type Term } from './term.ts'
