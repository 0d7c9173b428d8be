import type { Journal, LedgerEntry } from '@isthmus/edge-server/market'
import type { RandomStream } from '@isthmus/policies/env'
import type { VirtualNetwork } from './virtual-network.ts'

/** The disk of one server: what it was asked to keep is safe only after a while, and a crash loses some of the rest. */
export class VirtualDisk {
  readonly #network: VirtualNetwork
  readonly #random: RandomStream
  readonly #longestMs: number
  readonly #written: LedgerEntry[] = []
  #safe = 0
  /** Counts the lives of the server: nothing of an earlier one is answered. */
  #life = 0

  constructor(network: VirtualNetwork, random: RandomStream, longestMs: number) {
    this.#network = network
    this.#random = random
    this.#longestMs = longestMs
  }

  /** For one life of the server. */
  journal(): Journal {
    const life = this.#life
    return {
      write: (entries) => {
        if (life !== this.#life) return new Promise(() => {})
        this.#written.push(...entries)
        const end = this.#written.length
        return new Promise((resolve) => {
          this.#network.after(this.#random.uniform() * this.#longestMs, () => {
            if (life !== this.#life) return
            this.#safe = Math.max(this.#safe, end)
            resolve()
          })
        })
      },
    }
  }

  /** What the next life finds: all that was safe, and of the rest as much as had got there. */
  crash(): readonly LedgerEntry[] {
    this.#life++
    const more = Math.floor(this.#random.uniform() * (this.#written.length - this.#safe + 1))
    this.#written.length = this.#safe + more
    this.#safe = this.#written.length
    return [...this.#written]
  }
}
