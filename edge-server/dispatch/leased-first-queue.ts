import { DeadlineQueue, type Due } from './deadline-queue.ts'

/** An item, and whether its device holds a lease. */
export interface Leasable extends Due {
  readonly leased: boolean
}

/** Leased items that may leave in a row while others wait. */
const LEASED_IN_A_ROW = 4

/**
 * A bounded queue in which what is leased goes before what is not; within each, the earliest deadline first. Of five
 * that leave while both wait, one is not leased: who has no lease waits longer, but not for ever. Room that leases have been promised
 * is not given to others.
 */
export class LeasedFirstQueue<T extends Leasable> {
  readonly capacity: number
  readonly #leased: DeadlineQueue<T>
  readonly #others: DeadlineQueue<T>
  #row = 0

  constructor(capacity: number) {
    this.capacity = capacity
    this.#leased = new DeadlineQueue(capacity)
    this.#others = new DeadlineQueue(capacity)
  }

  get length(): number {
    return this.#leased.length + this.#others.length
  }

  /** Leased items that wait. */
  get leased(): number {
    return this.#leased.length
  }

  /** Whether there is no room for one more. `promised`: places that leases have a right to, taken or not. */
  isFull(leased: boolean, promised = 0): boolean {
    const kept = leased ? 0 : Math.max(0, promised - this.#leased.length)
    return this.length + kept >= this.capacity
  }

  /** Adds an item; false, and nothing changes, when there is no room at all. */
  push(item: T): boolean {
    if (this.length >= this.capacity) return false
    return (item.leased ? this.#leased : this.#others).push(item)
  }

  /** What leaves next. */
  peek(): T | undefined {
    return (this.#isOthersTurn ? this.#others : this.#leased).peek()
  }

  pop(): T | undefined {
    if (this.#isOthersTurn) {
      this.#row = 0
      return this.#others.pop()
    }
    this.#row = this.#others.length > 0 ? this.#row + 1 : 0
    return this.#leased.pop()
  }

  /** Takes out every item whose deadline is not after `nowMs`. */
  takeExpired(nowMs: number): T[] {
    return [...this.#leased.takeExpired(nowMs), ...this.#others.takeExpired(nowMs)]
  }

  takeAll(): T[] {
    return this.takeExpired(Number.POSITIVE_INFINITY)
  }

  get #isOthersTurn(): boolean {
    return this.#leased.length === 0 || (this.#row >= LEASED_IN_A_ROW && this.#others.length > 0)
  }
}
