import {
  type BodyFields,
  clockUs32,
  EDGE_ID,
  type Envelope,
  encodeMessage,
  topic,
  type Verb,
  type WireErrorCode,
  wireErrors,
} from '@isthmus/proto'
import type { AwardFields } from './awards.ts'
import type { MarketMemory } from './clearing.ts'
import type { LeaseLedger } from './lease-ledger.ts'
import type { Offer } from './market-options.ts'
import type { BidKey } from './round-book.ts'
import type { Term } from './term.ts'

export interface VoiceOptions {
  readonly site: string
  /** Id of this server. */
  readonly id: string
  /** Names this life of the server. */
  readonly epoch: number
  /** Monotonic, in milliseconds. */
  readonly clock: () => number
  readonly send: (topic: string, packet: Uint8Array, options: { qos: 0 | 1; retain: boolean }) => void
}

interface Said {
  readonly qos: 0 | 1
  readonly head?: Partial<Envelope>
  readonly retain?: boolean
  readonly payload?: Uint8Array
}

/** What a server says in its market: messages with its name, its life and a running number. */
export class MarketVoice {
  readonly #options: VoiceOptions
  #sequence = 0

  constructor({ site, id, epoch, clock, send }: VoiceOptions) {
    this.#options = { site, id, epoch, clock, send }
  }

  award({ device, id }: BidKey, award: AwardFields): void {
    this.#say(device, 'award', { kind: 'award', ...award }, { qos: 1, head: { id } })
  }

  complaint(device: string, code: WireErrorCode, detail: string): void {
    const { number } = wireErrors[code]
    this.#say(device, 'reply', { kind: 'error', code: number, detail }, { qos: 0 })
  }

  grants(body: BodyFields & { readonly kind: 'grants' }): void {
    this.#say(this.#options.id, 'grant', body, { qos: 1 })
  }

  capacity(offer: Offer, { free, size: leases }: LeaseLedger): void {
    const { kind: resourceKind, capacity, unitCost, reliability, availability, energy, place } = offer
    const scores = { unitCost, reliability, availability, energy, ...place }
    const body: BodyFields = { kind: 'capacity', resourceKind, capacity, free, ...scores, leases }
    this.#say(this.#options.id, 'capacity', body, { qos: 1, retain: true })
  }

  memory(memory: MarketMemory): void {
    const said = { qos: 1, retain: true, payload: memory.memory() } as const
    this.#say(EDGE_ID, 'memory', { kind: 'marketMemory', rounds: memory.rounds }, said)
  }

  /** Claims the office of auctioneer, or shows that its holder lives. */
  claim(
    word: 'claim' | 'beat',
    { number: term, holder }: Term,
    round: { round: number; roundMs: number },
    id: number,
  ): void {
    const body: BodyFields = { kind: 'claim', holder, term, ...round }
    if (word === 'claim') this.#say(EDGE_ID, 'claim', body, { qos: 1, head: { id }, retain: true })
    else this.#say(this.#options.id, 'beat', body, { qos: 0, head: { id } })
  }

  #say(at: string, verb: Verb, body: BodyFields, { qos, head = {}, retain = false, payload }: Said): void {
    const { site, epoch, clock, send } = this.#options
    this.#sequence = (this.#sequence + 1) >>> 0
    const envelope = { boot: epoch, sequence: this.#sequence, sentUs: clockUs32(clock()), ...head }
    send(topic(site, at, verb), encodeMessage({ envelope, body }, payload), { qos, retain })
  }
}
