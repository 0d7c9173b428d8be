export { AuctionHouse } from './auction-house.ts'
export type { Cleared, ClearMarket, Loss, Win } from './clearing.ts'
export { type Journal, noJournal } from './journal.ts'
export { type Lease, LeaseLedger, type LedgerEntry } from './lease-ledger.ts'
export {
  type EndOfLease,
  MarketNode,
  type MarketNodeOptions,
  type MarketObserver,
  type MarketRules,
  type Offer,
  type RoundFigures,
} from './market-node.ts'
export { type BidReason, bidReasons } from './reasons.ts'
export { compareTerms, type Term } from './term.ts'
