import type { Award } from '@isthmus/proto'
import type { Lease } from './lease-ledger.ts'
import { type BidReason, bidReasons } from './reasons.ts'
import type { BidKey } from './round-book.ts'

/** What an award says, without the id of its bid. */
export type AwardFields = Omit<Award, 'kind'>

const nothing = { reason: '', detail: '', server: '', term: 0, round: 0, payment: 0 }
const noLease = { leaseMs: 0, holdMs: 0, credits: 0, retryAfterMs: 0, echoUs: 0 }

export function awardOf(lease: Lease, server: string, leaseMs: number, holdMs: number): AwardFields {
  const { boot: bidBoot, nonce, term, round, payment, credits } = lease
  const won = { bidBoot, nonce, outcome: 'won' as const, server, term, round, payment }
  return { ...nothing, ...noLease, ...won, leaseMs, holdMs, credits }
}

/** `retryAfterMs` is told only where bidding again, as it is, may help. */
export function lostTo(
  { boot: bidBoot }: BidKey,
  nonce: number,
  reason: BidReason,
  more: Partial<Pick<AwardFields, 'detail' | 'server' | 'term' | 'round' | 'retryAfterMs'>> = {},
): AwardFields {
  const { hint, again } = bidReasons[reason]
  const detail = more.detail ? `${more.detail}. ${hint}` : hint
  const retryAfterMs = again ? (more.retryAfterMs ?? 0) : 0
  return { ...nothing, ...noLease, ...more, bidBoot, nonce, outcome: 'lost', reason, detail, retryAfterMs }
}

export function lapsed({ boot: bidBoot }: BidKey, nonce: number, server: string): AwardFields {
  return { ...nothing, ...noLease, bidBoot, nonce, outcome: 'lapsed', server }
}
