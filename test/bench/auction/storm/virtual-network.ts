import type { RandomStream } from '@isthmus/policies/env'

/** How badly a network behaves. */
export interface NetworkFaults {
  /** Share of deliveries that never arrive. */
  readonly loss: number
  /** Share of deliveries that arrive twice. */
  readonly duplicates: number
  /** Deliveries take from 1 ms to this, each its own time: what was sent later may come earlier. */
  readonly longestMs: number
}

type Receiver = (topic: string, packet: Uint8Array, retained: boolean) => void

interface Member {
  readonly hears: (topic: string) => boolean
  readonly receive: Receiver
  /** Nothing gets through to it or from it until then. */
  cutUntilMs: number
}

interface Event {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
}

/** A broker and its connections in virtual time: it loses, doubles and reorders what it delivers, and keeps what is retained. */
export class VirtualNetwork {
  nowMs = 0
  readonly #random: RandomStream
  readonly #faults: NetworkFaults
  readonly #members = new Map<string, Member>()
  readonly #retained = new Map<string, Uint8Array>()
  readonly #events: Event[] = []
  #order = 0

  constructor(random: RandomStream, faults: NetworkFaults) {
    this.#random = random
    this.#faults = faults
  }

  join(name: string, hears: (topic: string) => boolean, receive: Receiver): void {
    this.#members.set(name, { hears, receive, cutUntilMs: this.#members.get(name)?.cutUntilMs ?? 0 })
    for (const [topic, packet] of this.#retained) {
      if (hears(topic)) this.#deliver(name, topic, packet, true)
    }
  }

  leave(name: string): void {
    this.#members.delete(name)
  }

  cut(name: string, forMs: number): void {
    const member = this.#members.get(name)
    if (member) member.cutUntilMs = this.nowMs + forMs
  }

  publish(from: string, topic: string, packet: Uint8Array, retain = false): void {
    if (this.#isCut(from)) return
    if (retain) this.#retained.set(topic, packet)
    for (const [name, { hears }] of this.#members) {
      if (!hears(topic)) continue
      this.#deliver(name, topic, packet, false)
      if (this.#random.uniform() < this.#faults.duplicates) this.#deliver(name, topic, packet, false)
    }
  }

  /** Something that happens later, whatever the network does. */
  after(delayMs: number, run: () => void): void {
    const event = { atMs: this.nowMs + delayMs, order: this.#order++, run }
    // Most come last or nearly so.
    let at = this.#events.length
    while (at > 0 && this.#events[at - 1]!.atMs > event.atMs) at--
    this.#events.splice(at, 0, event)
  }

  /** Everything that happens until then, in its order; promises get their turn after each. */
  async runUntil(endMs: number): Promise<void> {
    while (this.#events.length > 0 && this.#events[0]!.atMs <= endMs) {
      const event = this.#events.shift()!
      this.nowMs = event.atMs
      event.run()
      await Promise.resolve()
    }
    this.nowMs = endMs
    for (let turn = 0; turn < 8; turn++) await Promise.resolve()
  }

  #deliver(name: string, topic: string, packet: Uint8Array, retained: boolean): void {
    if (this.#isCut(name) || this.#random.uniform() < this.#faults.loss) return
    const member = this.#members.get(name)!
    this.after(1 + this.#random.uniform() * (this.#faults.longestMs - 1), () => {
      if (this.#members.get(name) === member && !this.#isCut(name)) member.receive(topic, packet, retained)
    })
  }

  #isCut(name: string): boolean {
    return (this.#members.get(name)?.cutUntilMs ?? 0) > this.nowMs
  }
}
