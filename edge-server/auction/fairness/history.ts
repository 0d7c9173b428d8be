import type { Market } from '../market.ts'

/** What requesters have had lately, as plain data that can be stored and read back. */
export interface FairnessState {
  /** By requester: 0 (nothing) … 1 (all it asked for, in every round). Who has had nothing is not listed. */
  readonly shares: Readonly<Record<string, number>>
}

export interface HistoryOptions {
  /** Rounds after which a win counts half. Default 3. */
  readonly halfLifeRounds?: number
}

/** Less than this is forgotten, so that the list does not grow with everybody who ever asked. */
const FORGOTTEN = 1e-6

/**
 * The history after a round: what a requester had fades, and the share of its requests that won is added. Who did not ask
 * in this round only fades.
 */
export function nextFairness(
  { shares }: FairnessState,
  { requests }: Pick<Market, 'requests'>,
  resource: ArrayLike<number>,
  { halfLifeRounds = 3 }: HistoryOptions = {},
): FairnessState {
  const keeps = 0.5 ** (1 / halfLifeRounds)
  const asked = new Map<string, number>()
  const won = new Map<string, number>()
  for (const [at, { requester }] of requests.entries()) {
    asked.set(requester, (asked.get(requester) ?? 0) + 1)
    if (resource[at]! >= 0) won.set(requester, (won.get(requester) ?? 0) + 1)
  }
  const next = new Map<string, number>()
  for (const requester of new Set([...Object.keys(shares), ...won.keys()])) {
    const served = (won.get(requester) ?? 0) / (asked.get(requester) ?? 1)
    const share = keeps * (Object.hasOwn(shares, requester) ? shares[requester]! : 0) + (1 - keeps) * served
    if (share >= FORGOTTEN) next.set(requester, share)
  }
  return { shares: Object.fromEntries([...next].sort(([a], [b]) => (a < b ? -1 : 1))) }
}

/** The history as the fairness term reads it. */
export const historyOf = ({ shares }: FairnessState): ReadonlyMap<string, number> =>
  new Map(Object.entries(shares))

/**
 * The market in an order that does not depend on how it was handed in: requesters who have had least first, then by name.
 * Ties of the allocation go by this order, so that no bid and no order of arrival decides them.
 */
export function inOrder(market: Market, history: ReadonlyMap<string, number> = new Map()): Market {
  const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  const had = (requester: string): number => history.get(requester) ?? 0
  return {
    requests: [...market.requests].sort(
      (a, b) => had(a.requester) - had(b.requester) || byName(a.requester, b.requester) || byName(a.id, b.id),
    ),
    resources: [...market.resources].sort((a, b) => byName(a.id, b.id)),
  }
}
