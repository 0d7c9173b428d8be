import { optionChecks } from '../option-checks.ts'

export interface QueueOptions {
  /** Samples that may wait. Default 64. */
  readonly entries?: number
  /** Bytes that may wait. Default 4 MiB. */
  readonly bytes?: number
}

interface Waiting<T> {
  readonly item: T
  readonly bytes: number
  readonly worth: number
}

/**
 * What waits for the uplink: bounded in number and in bytes. The most worth goes first; when it is full the least worth is given up.
 * Among equals the oldest goes first, in either sense: what is new says more of how things look now.
 */
export class UploadQueue<T> {
  readonly #most: number
  readonly #mostBytes: number
  /** Oldest first. */
  readonly #waiting: Waiting<T>[] = []
  #bytes = 0

  /** Throws BAD_OPTION. */
  constructor({ entries = 64, bytes = 4 << 20 }: QueueOptions = {}) {
    const check = optionChecks('upload queue')
    check.integer('entries', entries, 1, 65_536)
    check.integer('bytes', bytes, 1, 2 ** 40)
    this.#most = entries
    this.#mostBytes = bytes
  }

  get length(): number {
    return this.#waiting.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether so many bytes more find room without anything being given up. */
  fits(bytes: number): boolean {
    return this.#waiting.length < this.#most && this.#bytes + bytes <= this.#mostBytes
  }

  /** Adds one and returns those that had to be given up for it: perhaps itself, when it alone is too large or worth least. */
  add(item: T, bytes: number, worth: number): T[] {
    if (bytes > this.#mostBytes) return [item]
    this.#waiting.push({ item, bytes, worth })
    this.#bytes += bytes
    const lost: T[] = []
    while (this.#waiting.length > this.#most || this.#bytes > this.#mostBytes) {
      lost.push(this.#remove(this.#find((a, b) => a < b)))
    }
    return lost
  }

  /** The next to go; it stays until `shift`. */
  peek(): { readonly item: T; readonly bytes: number } | undefined {
    return this.#waiting[this.#find((a, b) => a > b)]
  }

  /** Takes out what `peek` shows. */
  shift(): T | undefined {
    return this.#waiting.length === 0 ? undefined : this.#remove(this.#find((a, b) => a > b))
  }

  clear(): number {
    const lost = this.#waiting.length
    this.#waiting.length = 0
    this.#bytes = 0
    return lost
  }

  #find(isBetter: (a: number, b: number) => boolean): number {
    let best = 0
    for (let at = 1; at < this.#waiting.length; at++)
      if (isBetter(this.#waiting[at]!.worth, this.#waiting[best]!.worth)) best = at
    return best
  }

  #remove(at: number): T {
    const [{ item, bytes }] = this.#waiting.splice(at, 1) as [Waiting<T>]
    this.#bytes -= bytes
    return item
  }
}
