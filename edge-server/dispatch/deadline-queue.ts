/** What the queue needs to know of an item. */
export interface Due {
  /** When it is no longer worth computing, on the server's clock. */
  readonly deadlineMs: number
}

interface Entry<T> {
  readonly item: T
  readonly order: number
}

/**
 * A bounded queue, earliest deadline first; equal deadlines leave in the order of their arrival.
 * A binary heap: push and pop take O(log n).
 */
export class DeadlineQueue<T extends Due> {
  readonly capacity: number
  #heap: Entry<T>[] = []
  #arrivals = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  get length(): number {
    return this.#heap.length
  }

  get full(): boolean {
    return this.#heap.length >= this.capacity
  }

  /** Adds an item; false, and nothing changes, when the queue is full. */
  push(item: T): boolean {
    if (this.full) return false
    this.#heap.push({ item, order: this.#arrivals++ })
    this.#rise(this.#heap.length - 1)
    return true
  }

  peek(): T | undefined {
    return this.#heap[0]?.item
  }

  pop(): T | undefined {
    const first = this.#heap[0]
    const last = this.#heap.pop()
    if (first === undefined || last === undefined) return undefined
    if (this.#heap.length > 0) {
      this.#heap[0] = last
      this.#sink(0)
    }
    return first.item
  }

  /** Takes out every item whose deadline is not after `nowMs`. */
  takeExpired(nowMs: number): T[] {
    const expired: T[] = []
    for (let next = this.peek(); next !== undefined && next.deadlineMs <= nowMs; next = this.peek()) {
      expired.push(this.pop()!)
    }
    return expired
  }

  /** Takes out everything, earliest deadline first. */
  takeAll(): T[] {
    return this.takeExpired(Number.POSITIVE_INFINITY)
  }

  #before(a: number, b: number): boolean {
    const first = this.#heap[a]!
    const second = this.#heap[b]!
    const difference = first.item.deadlineMs - second.item.deadlineMs
    return difference < 0 || (difference === 0 && first.order < second.order)
  }

  #swap(a: number, b: number): void {
    const held = this.#heap[a]!
    this.#heap[a] = this.#heap[b]!
    this.#heap[b] = held
  }

  #rise(index: number): void {
    for (let at = index; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#before(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(index: number): void {
    for (let at = index; ; ) {
      const left = 2 * at + 1
      if (left >= this.#heap.length) return
      const right = left + 1
      const child = right < this.#heap.length && this.#before(right, left) ? right : left
      if (!this.#before(child, at)) return
      this.#swap(at, child)
      at = child
    }
  }
}
