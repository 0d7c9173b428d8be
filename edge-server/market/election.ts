import { compareTerms, newerTerm, type Term } from './term.ts'

export interface ElectionOptions {
  /** Id of this server. */
  readonly self: string
  /** An auctioneer that was silent for so long is replaced, and one that does not hear itself for so long holds no auction. */
  readonly silenceMs: number
  /** Time between two signs of life. */
  readonly beatMs: number
  /** How much later the next server in line tries. */
  readonly staggerMs: number
}

/**
 * What an election wants said: `claim`: that this server has the term, to all, retained; `beat`: that it still has it, to the other servers.
 */
export type Say = 'claim' | 'beat'

/**
 * Which of several servers holds the auctions, found out over the broker. A server that hears of no auctioneer claims the next term, and
 * holds it from when its claim has come back from the broker until it hears of a newer term, or does not hear itself any more. Two may
 * take themselves for the auctioneer for a while (that costs bids a round, and no capacity: `LeaseLedger`).
 */
export class Election {
  readonly #options: ElectionOptions
  /** Other servers that are there. */
  readonly #others = new Set<string>()
  #term: Term | undefined
  /** When the auctioneer was last heard of; for our own signs of life, when that was sent which has come back. */
  #heardMs: number
  #vacant = false
  #vacantSinceMs = 0
  /** What was sent and has not come back, by its number. */
  readonly #sent = new Map<number, number>()
  #confirmed = false
  #saidMs = Number.NEGATIVE_INFINITY

  /** `known`: the newest term that was written down here. */
  constructor(options: ElectionOptions, nowMs: number, known?: Term) {
    this.#options = options
    this.#heardMs = nowMs
    this.#term = known
  }

  /** The newest term that is known. */
  get term(): Term | undefined {
    return this.#term
  }

  /** Whether this server holds the auctions now. */
  leads(nowMs: number): boolean {
    const { self, silenceMs } = this.#options
    return this.#term?.holder === self && this.#confirmed && nowMs - this.#heardMs < silenceMs
  }

  /** A claim or a sign of life has come. `number`: that of our own which it is. True when the term is new. */
  onClaim(term: Term, nowMs: number, number?: number): boolean {
    const { self } = this.#options
    if (term.holder !== self) this.#others.add(term.holder)
    if (this.#term !== undefined && compareTerms(term, this.#term) < 0) return false
    const isNew = this.#term === undefined || compareTerms(term, this.#term) > 0
    this.#term = newerTerm(this.#term, term)
    if (isNew) this.#confirmed = false
    if (term.holder !== self) {
      this.#heardMs = nowMs
      this.#vacant = false
    } else if (number !== undefined) {
      const sentMs = this.#sent.get(number)
      if (sentMs === undefined) return isNew
      this.#sent.delete(number)
      this.#heardMs = Math.max(this.#heardMs, sentMs)
      this.#confirmed = true
      this.#vacant = false
    } else if (isNew) {
      // An earlier life of this server had it.
      this.#vacant = true
      this.#vacantSinceMs = nowMs
    }
    return isNew
  }

  onServer(id: string): void {
    if (id !== this.#options.self) this.#others.add(id)
  }

  /** A server has gone: its last will, or its goodbye. */
  onGone(id: string, nowMs: number): void {
    this.#others.delete(id)
    if (this.#term?.holder !== id || this.#vacant) return
    this.#vacant = true
    this.#vacantSinceMs = nowMs
  }

  /** To be called many times in `beatMs`. */
  tick(nowMs: number): Say | undefined {
    const { self, silenceMs, beatMs } = this.#options
    if (this.leads(nowMs)) {
      return nowMs - this.#saidMs >= beatMs ? 'beat' : undefined
    }
    const dueMs = (this.#vacant ? this.#vacantSinceMs : this.#heardMs + silenceMs) + this.#staggerMs
    if (nowMs < dueMs || nowMs - this.#saidMs < silenceMs) return undefined
    this.#term = { number: (this.#term?.number ?? 0) + 1, holder: self }
    this.#confirmed = false
    this.#sent.clear()
    return 'claim'
  }

  /** What `tick` wanted said has been handed to the broker as the sign of life with this number. */
  said(number: number, nowMs: number): void {
    this.#saidMs = nowMs
    this.#sent.set(number, nowMs)
    for (const [old, sentMs] of this.#sent)
      if (nowMs - sentMs > this.#options.silenceMs) this.#sent.delete(old)
  }

  /** This server is on its way out. */
  resign(): void {
    this.#confirmed = false
  }

  get #staggerMs(): number {
    const { self, staggerMs } = this.#options
    const before = [...this.#others].filter((id) => id < self && !(this.#vacant && id === this.#term?.holder))
    return before.length * staggerMs
  }
}
