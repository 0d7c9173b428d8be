/** Why a bid did not win, or a lease ended: the words that awards carry. docs/market.md shows this table. */
export const bidReasons = {
  'bad-demand': { again: false, hint: 'Ask for amounts that are not negative, not all 0 and not above 1e9.' },
  'bad-price': { again: false, hint: 'Bid a price from 0 to 1e9.' },
  'bad-needs': {
    again: false,
    hint: 'Give priority, reliability and availability from 0 to 1, and a latency that is not negative.',
  },
  'bad-validity': { again: false, hint: 'Let the bid be valid for 1 ms to an hour.' },
  'bad-place': { again: false, hint: 'Give a place within 1e6 km.' },
  'id-reused': {
    again: false,
    hint: 'Give every bid an id of its own; only a repetition keeps id and nonce.',
  },
  'too-many-open': { again: true, hint: 'Wait for the awards of earlier bids.' },
  'book-full': { again: true, hint: 'Try again in the next round.' },
  expired: { again: true, hint: 'Let bids be valid for at least a round.' },
  'no-server': { again: true, hint: 'No server offers capacity now; try again later.' },
  outbid: { again: true, hint: 'Bid more, ask for less, or try when there is less demand.' },
  'no-room': { again: true, hint: 'No server has that much free now; ask for less, or try again later.' },
  'no-match': {
    again: true,
    hint: 'No server with room meets the needs, or the price is below what it costs to serve; ask for less or bid more.',
  },
  'capacity-gone': { again: true, hint: 'The server had given it away; try again in the next round.' },
  'old-order': { again: true, hint: 'The auctioneer had been replaced; try again in the next round.' },
  'not-kept': { again: true, hint: 'The server could not write the lease down; its log says why.' },
} as const satisfies Record<string, { readonly again: boolean; readonly hint: string }>

export type BidReason = keyof typeof bidReasons

/** Why a bid is not counted. */
export interface Rejection {
  readonly reason: BidReason
  readonly detail: string
}

export const reject = (reason: BidReason, detail: string): Rejection => ({ reason, detail })
