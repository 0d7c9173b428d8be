export interface RollbackVotesOptions {
  /** Share of the active devices that must turn a version down. */
  readonly share: number
  /** Devices that must, however few are active. */
  readonly fewest: number
}

/**
 * Devices that have gone back from a version. One device may be wrong, or hostile: it takes several, each counted once, to make the
 * server give the version up.
 */
export class RollbackVotes {
  readonly #options: RollbackVotesOptions
  readonly #voters = new Map<number, Set<string>>()

  constructor(options: RollbackVotesOptions) {
    this.#options = options
  }

  /**
   * A device has turned `version` down; `newest` is the newest that is out. True when there are enough votes, as many devices as there are now:
   * also when that is fewer than with an earlier vote.
   */
  add(device: string, version: number, newest: number, activeDevices: number): boolean {
    const { share, fewest } = this.#options
    // Who speaks of what was never sent, or was given up already, says nothing.
    if (version < 1 || version > newest || version <= newest - VERSIONS) return false
    const voters = this.#voters.get(version) ?? new Set()
    if (voters.has(device)) return false
    voters.add(device)
    this.#voters.set(version, voters)
    for (const known of this.#voters.keys()) if (known <= newest - VERSIONS) this.#voters.delete(known)
    const needed = Math.max(fewest, Math.ceil(share * activeDevices))
    return voters.size >= needed
  }

  /** Forgets all: the version has been given up. */
  clear(): void {
    this.#voters.clear()
  }
}

/** Newest versions of which votes are kept. */
const VERSIONS = 8
