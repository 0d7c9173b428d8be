/** What became of an arriving reply. */
export type Claim<Entry> =
  | { readonly kind: 'answered'; readonly entry: Entry }
  /** Its request was given up before; `entry` is what it was. */
  | { readonly kind: 'late'; readonly entry: Entry }
  | { readonly kind: 'unknown' }

/** Given-up requests remembered, so that their late replies still measure the link. */
const REMEMBERED = 128

/**
 * One inbox for all requests: request id → what waits for its reply. Every request leaves it once, by its reply or by
 * being given up. The server may still be at work on what was given up: until its reply comes, or some time has
 * passed, such a request keeps its credit.
 */
export class RequestInbox<Entry extends { readonly sentUs: number }> {
  readonly #graceMs: number
  readonly #pending = new Map<number, Entry>()
  readonly #givenUp = new Map<number, { entry: Entry; atMs: number }>()

  constructor(graceMs: number) {
    this.#graceMs = graceMs
  }

  /** Requests that wait for their reply. */
  get size(): number {
    return this.#pending.size
  }

  /** Credits in use. */
  occupied(nowMs: number): number {
    let count = this.#pending.size
    for (const { atMs } of this.#givenUp.values()) if (nowMs - atMs < this.#graceMs) count++
    return count
  }

  open(id: number, entry: Entry): void {
    this.#pending.set(id, entry)
  }

  /** Matches a reply with its request. The echoed send time must agree: ids repeat after a restart. */
  claim(id: number, echoUs: number): Claim<Entry> {
    const entry = this.#pending.get(id)
    if (entry?.sentUs === echoUs) {
      this.#pending.delete(id)
      return { kind: 'answered', entry }
    }
    const late = this.#givenUp.get(id)?.entry
    if (late?.sentUs !== echoUs) return { kind: 'unknown' }
    this.#givenUp.delete(id)
    return { kind: 'late', entry: late }
  }

  /** Stops waiting for a reply. Returns what waited, if anything did. */
  giveUp(id: number, nowMs: number): Entry | undefined {
    const entry = this.#pending.get(id)
    if (!entry) return undefined
    this.#pending.delete(id)
    this.#givenUp.set(id, { entry, atMs: nowMs })
    if (this.#givenUp.size > REMEMBERED) this.#givenUp.delete(this.#givenUp.keys().next().value!)
    return entry
  }

  /** Takes out everything that waits, oldest first, for a server that will not answer it: no credits are kept. */
  drain(): Entry[] {
    const entries = [...this.#pending.entries()]
    for (const [id] of entries) this.giveUp(id, Number.NEGATIVE_INFINITY)
    return entries.map(([, entry]) => entry)
  }
}
