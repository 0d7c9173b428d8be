export { Bidder, type BidderCounters, type BidderOptions, type HeldLease, type Wanted } from './bidder.ts'
