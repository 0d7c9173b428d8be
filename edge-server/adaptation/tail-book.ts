import type { NormParameters } from '@isthmus/models/adapt'

export interface Version {
  readonly epoch: number
  readonly version: number
}

/** A tail that heads may ask for. */
export interface KeptTail extends Version {
  readonly parameters: NormParameters
}

export interface TailBookOptions {
  /** Tails that are kept, of which the newest is one. */
  readonly limit: number
  /** A tail that no head has asked for so long is dropped, in ms. */
  readonly keepMs: number
}

/** A book as plain data; ages, not times, for clocks begin anew. */
export interface TailBookState {
  /** The newest last. */
  readonly tails: readonly (KeptTail & { readonly idleMs: number })[]
}

/**
 * The tails of one split network, each by the version of the head that it was adapted with. Devices run different versions of the head:
 * each is answered by its own tail. Bounded in number, and in time since a head last asked; the newest always stays. No I/O.
 */
export class TailBook {
  readonly #options: TailBookOptions
  /** The newest last. */
  #tails: { readonly tail: KeptTail; askedMs: number }[] = []

  constructor(options: TailBookOptions, state?: TailBookState, nowMs = 0) {
    this.#options = options
    for (const { idleMs, ...tail } of state?.tails ?? []) this.#tails.push({ tail, askedMs: nowMs - idleMs })
  }

  get size(): number {
    return this.#tails.length
  }

  get newest(): KeptTail | undefined {
    return this.#tails.at(-1)?.tail
  }

  /** Puts a tail in, in the place of one with the same version. */
  add(tail: KeptTail, nowMs: number): void {
    this.#tails = [...this.#tails.filter((one) => !isSame(one.tail, tail)), { tail, askedMs: nowMs }]
    this.#drop(nowMs)
  }

  /** The tail of a version; asking keeps it from being dropped. */
  ask(version: Version, nowMs: number): KeptTail | undefined {
    const found = this.#tails.find(({ tail }) => isSame(tail, version))
    if (found) found.askedMs = nowMs
    this.#drop(nowMs)
    return found?.tail
  }

  has(version: Version): boolean {
    return this.#tails.some(({ tail }) => isSame(tail, version))
  }

  state(nowMs: number): TailBookState {
    return { tails: this.#tails.map(({ tail, askedMs }) => ({ ...tail, idleMs: nowMs - askedMs })) }
  }

  #drop(nowMs: number): void {
    const { limit, keepMs } = this.#options
    const newest = this.#tails.at(-1)
    this.#tails = this.#tails.filter((one) => one === newest || nowMs - one.askedMs <= keepMs)
    while (this.#tails.length > Math.max(1, limit)) {
      const old = this.#tails.slice(0, -1)
      const idle = old.reduce((first, one) => (one.askedMs < first.askedMs ? one : first))
      this.#tails = this.#tails.filter((one) => one !== idle)
    }
  }
}

const isSame = (a: Version, b: Version): boolean => a.epoch === b.epoch && a.version === b.version
