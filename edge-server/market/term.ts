/**
 * The office of auctioneer, for one holder. Terms are ordered by number, then by holder, so no two auctioneers ever have the same
 * one: it is the fence that keeps out the orders of whoever has been replaced.
 */
export interface Term {
  /** From 1. */
  readonly number: number
  /** Id of the server that holds it. */
  readonly holder: string
}

/** Below 0 when `a` is the older one, 0 when both are the same, above 0 when `a` is the newer one. */
export function compareTerms(a: Term, b: Term): number {
  if (a.number !== b.number) return a.number - b.number
  return a.holder < b.holder ? -1 : a.holder > b.holder ? 1 : 0
}

/** The newer one of two terms. */
export function newerTerm(a: Term | undefined, b: Term): Term {
  return a !== undefined && compareTerms(a, b) >= 0 ? a : b
}
