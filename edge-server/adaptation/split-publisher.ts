import { checkNormParameters, halvesOf, type NormParameters } from '@isthmus/models/adapt'
import { packedTail, type TailChoice } from '../dispatch/tail-choice.ts'
import type { Outlet, OutPatch, Publisher } from './publisher.ts'
import type { SplitHalves } from './split-families.ts'
import { readState, writeState } from './state-file.ts'
import { TailBook, type TailBookOptions, type TailBookState, type Version } from './tail-book.ts'

export interface SplitPublisherOptions {
  readonly halves: SplitHalves
  /** Where patches of the head are made; undefined: the head stays as packed, and nothing travels. */
  readonly heads: Publisher | undefined
  /** File that the tails are kept in. */
  readonly path: string
  readonly tails: TailBookOptions
  /** Monotonic, in milliseconds. */
  readonly clock: () => number
}

interface Journal extends TailBookState {
  /** Names head and tail: tails of others are not used. */
  readonly lineage: string
  /** The version that went out last. */
  readonly last: Version
}

/**
 * Lets versions of a split network out: the tail is written down and ready before its head's patch is made, so that no head asks for a
 * tail that is not there. Where the head stays as it is, the newest tail answers from the next request on.
 */
export class SplitPublisher implements Outlet {
  readonly #options: SplitPublisherOptions
  readonly #book: TailBook
  #last: Version

  private constructor(options: SplitPublisherOptions, book: TailBook, last: Version) {
    this.#options = options
    this.#book = book
    this.#last = last
  }

  /** `nowS`: seconds since 1970. `onLost` is told why a file that was there cannot be gone on from. */
  static async open(
    options: SplitPublisherOptions,
    nowS: number,
    onLost: (reason: string) => void = () => {},
  ): Promise<SplitPublisher> {
    const { path, halves, tails, clock } = options
    const fresh = { epoch: Math.floor(nowS), version: 0 }
    try {
      const journal = (await readState(path)) as Journal | undefined
      if (journal && journal.lineage !== halves.lineage) onLost(`${path} belongs to other networks`)
      if (journal?.lineage !== halves.lineage) return new SplitPublisher(options, new TailBook(tails), fresh)
      for (const { parameters } of journal.tails) checkNormParameters(parameters, halves.network.tail.layout)
      return new SplitPublisher(options, new TailBook(tails, journal, clock()), journal.last)
    } catch (error) {
      onLost(error instanceof Error ? error.message : String(error))
      return new SplitPublisher(options, new TailBook(tails), fresh)
    }
  }

  /** Tails that are kept. */
  get tails(): number {
    return this.#book.size
  }

  /** The newest patch of the head; undefined, too, when its tail has been lost. */
  get newest(): OutPatch | undefined {
    const newest = this.#options.heads?.newest
    return newest && this.#book.has(newest) ? newest : undefined
  }

  get version(): number {
    return this.#options.heads?.version ?? this.#last.version
  }

  /** The tail that fits a version of the head; undefined: there is none, or no more. */
  behind(head: Version): TailChoice | undefined {
    const { heads, clock } = this.#options
    if (head.version === 0) {
      const newest = heads ? undefined : this.#book.newest
      return newest ? { ...newest, orPacked: true } : packedTail
    }
    const kept = heads && this.#book.ask(head, clock())
    return kept && { ...kept, orPacked: false }
  }

  async publish(parameters: NormParameters, nowS: number): Promise<OutPatch> {
    const { halves, heads, path, clock } = this.#options
    const { head, tail } = halvesOf(halves.network, parameters)
    const next = heads?.next ?? { epoch: this.#last.epoch, version: this.#last.version + 1 }
    const kept = { ...next, parameters: tail }
    const nowMs = clock()
    const draft = new TailBook(this.#options.tails, this.#book.state(nowMs), nowMs)
    draft.add(kept, nowMs)
    const journal: Journal = { lineage: halves.lineage, last: next, ...draft.state(nowMs) }
    await writeState(path, journal)
    this.#last = next
    this.#book.add(kept, nowMs)
    return heads && head ? heads.publish(head, nowS) : { ...next, bytes: NOTHING }
  }
}

const NOTHING = new Uint8Array(0)
