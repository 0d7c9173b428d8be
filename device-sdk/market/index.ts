export { Bidder, type BidderCounters, type BidderOptions, type HeldLease, type Wanted } from './bidder.ts'
export { type MarketOptions, marketSchema, wantedOf } from './options.ts'
export { edgeWorth } from './worth.ts'
