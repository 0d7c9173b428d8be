/** What became of an arriving reply. */
export type Claim<Entry> =
  | { readonly kind: 'answered'; readonly entry: Entry }
  /** Its request was given up before; `entry` is what it was. */
  | { readonly kind: 'late'; readonly entry: Entry }
  | { readonly kind: 'unknown' }

/** Given-up requests remembered, so that their late replies still measure the link. */
const REMEMBERED = 128

/**
 * One inbox for all requests: request id → what waits for its reply. Bounded by credits; every request leaves it
 * once, by its reply, by being given up, or as the oldest when credits run out.
 */
export class RequestInbox<Entry extends { readonly sentUs: number }> {
  readonly #pending = new Map<number, Entry>()
  readonly #givenUp = new Map<number, Entry>()

  get size(): number {
    return this.#pending.size
  }

  /** Adds a request. Returns those that had to go for it, oldest first. */
  open(id: number, entry: Entry, credits: number): Entry[] {
    const dropped: Entry[] = []
    for (const [oldest, oldEntry] of this.#pending) {
      if (this.#pending.size < Math.max(1, credits)) break
      this.giveUp(oldest)
      dropped.push(oldEntry)
    }
    this.#pending.set(id, entry)
    return dropped
  }

  /** Matches a reply with its request. The echoed send time must agree: ids repeat after a restart. */
  claim(id: number, echoUs: number): Claim<Entry> {
    const entry = this.#pending.get(id)
    if (entry?.sentUs === echoUs) {
      this.#pending.delete(id)
      return { kind: 'answered', entry }
    }
    const late = this.#givenUp.get(id)
    if (late?.sentUs !== echoUs) return { kind: 'unknown' }
    this.#givenUp.delete(id)
    return { kind: 'late', entry: late }
  }

  /** Stops waiting for a reply. Returns what waited, if anything did. */
  giveUp(id: number): Entry | undefined {
    const entry = this.#pending.get(id)
    if (!entry) return undefined
    this.#pending.delete(id)
    this.#givenUp.set(id, entry)
    if (this.#givenUp.size > REMEMBERED) this.#givenUp.delete(this.#givenUp.keys().next().value!)
    return entry
  }

  /** Takes out everything that waits, oldest first. */
  drain(): Entry[] {
    const entries = [...this.#pending.entries()]
    for (const [id] of entries) this.giveUp(id)
    return entries.map(([, entry]) => entry)
  }
}
