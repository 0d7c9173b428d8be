import type { Capacity } from '@isthmus/proto'
import { resourceFault } from '../auction/faults.ts'
import type { Resource } from '../auction/market.ts'

interface Entry {
  readonly capacity: Capacity
  readonly free: number[]
  readonly heardMs: number
}

/** What each server of the market has said that it has free, for as long as it goes on saying so. */
export class CapacityBoard {
  readonly #staleMs: number
  readonly #entries = new Map<string, Entry>()

  /** A server that was silent for `staleMs` takes no part. */
  constructor(staleMs: number) {
    this.#staleMs = staleMs
  }

  hear(server: string, capacity: Capacity, nowMs: number): void {
    if (faultOf(capacity)) this.#entries.delete(server)
    else this.#entries.set(server, { capacity, free: [...capacity.free], heardMs: nowMs })
  }

  gone(server: string): void {
    this.#entries.delete(server)
  }

  /** Something of a server has been given away of which it has not told yet. */
  spend(server: string, demand: readonly number[]): void {
    const free = this.#entries.get(server)?.free
    if (free) for (const [at, amount] of demand.entries()) free[at] = Math.max(0, free[at]! - amount)
  }

  /** Servers that take part, by their ids. */
  resources(nowMs: number): Resource[] {
    const fresh = [...this.#entries].filter(([, { heardMs }]) => nowMs - heardMs <= this.#staleMs)
    return fresh
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, { capacity, free }]) => {
        const { resourceKind: kind, unitCost, reliability, availability, energy, x, y } = capacity
        return { id, kind, capacity: [...free], unitCost, reliability, availability, energy, place: { x, y } }
      })
  }

  /** What the servers have and what of it is given away, in sums, by kind of server. */
  loads(nowMs: number): ReadonlyMap<string, { readonly capacity: number[]; readonly used: number[] }> {
    const loads = new Map<string, { capacity: number[]; used: number[] }>()
    for (const { capacity, free, heardMs } of this.#entries.values()) {
      if (nowMs - heardMs > this.#staleMs) continue
      const load = loads.get(capacity.resourceKind) ?? { capacity: [0, 0, 0, 0], used: [0, 0, 0, 0] }
      for (const [at, amount] of capacity.capacity.entries()) {
        load.capacity[at]! += amount
        load.used[at]! += Math.max(0, amount - free[at]!)
      }
      loads.set(capacity.resourceKind, load)
    }
    return loads
  }
}

/** Whether a server says what cannot be: one such resource would fail the whole round. */
function faultOf({ capacity, free, resourceKind: kind, x, y, ...scores }: Capacity): boolean {
  const place = { x, y }
  return [capacity, free].some((amounts) => {
    return resourceFault({ ...scores, id: 'server', kind, capacity: amounts, place }) !== null
  })
}
