import type { LedgerEntry } from './lease-ledger.ts'

/** Where a ledger's entries are kept beyond the life of the server. */
export interface Journal {
  /** Resolves when the entries, and all those before them, would outlive a loss of power. Rejects when they cannot be kept. */
  write(entries: readonly LedgerEntry[]): Promise<void>
}

/** Nothing is kept: a restart gives all leases up. */
export const noJournal: Journal = { write: () => Promise.resolve() }
