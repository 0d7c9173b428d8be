import type { Candidates } from '../candidates.ts'
import { type Packing, Room } from './packing.ts'

/** How many requests a chain may push out one after another, and how many resources each of them tries in full. */
const DEPTH = 3
const WIDTHS = [24, 6, 3, 2] as const
/** Requests that may be pushed out of one resource at once. */
const MOST_OUT = 3
const LEAST_GAIN = 1e-9

/** An allocation by pairs, to come back to. */
export interface Snapshot {
  readonly pair: Int32Array
  readonly value: number
}

interface Columns {
  /** [resources + 1]: where the pairs of a resource begin. */
  readonly starts: Uint32Array
  readonly pairs: Uint32Array
  /** [pairs]. */
  readonly requestOf: Uint32Array
}

/** An allocation in change: who is where, and the moves that improve it. */
export class EjectionChains {
  readonly #candidates: Candidates
  readonly #packing: Packing
  readonly #room: Room
  /** [pairs]: those of each request, best first; sorted when first needed. */
  readonly #ranked: Uint32Array
  readonly #isRanked: Uint8Array
  readonly #pair: Int32Array
  readonly #occupants: number[][]
  readonly #limit: number
  readonly #touched = new Set<number>()
  /** Resources that a chain has been to: it does not come back. */
  readonly #visited = new Set<number>()
  /** What the running chain has done, to be undone: request and the pair it had. */
  readonly #trail: [request: number, pair: number][] = []
  #byResource: Columns | undefined
  evaluations = 0
  value = 0

  constructor(candidates: Candidates, packing: Packing, evaluations: number) {
    this.#candidates = candidates
    this.#packing = packing
    this.#room = new Room(packing)
    const requests = candidates.starts.length - 1
    this.#ranked = Uint32Array.from(candidates.resources.keys())
    this.#isRanked = new Uint8Array(requests)
    this.#pair = new Int32Array(requests).fill(-1)
    this.#occupants = Array.from({ length: packing.resources }, () => [])
    this.#limit = evaluations
  }

  get isSpent(): boolean {
    return this.evaluations >= this.#limit
  }

  /** Puts a request at a place where it fits; -1: nowhere. */
  put(request: number, pair: number): void {
    const { resources, utility } = this.#candidates
    const had = this.#pair[request]!
    if (had >= 0) {
      const occupants = this.#occupants[resources[had]!]!
      occupants[occupants.indexOf(request)] = occupants.at(-1)!
      occupants.pop()
      this.#room.giveBack(request, resources[had]!, had)
      this.value -= utility[had]!
    }
    this.#pair[request] = pair
    if (pair >= 0) {
      this.#occupants[resources[pair]!]!.push(request)
      this.#room.take(request, resources[pair]!, pair)
      this.value += utility[pair]!
    }
  }

  /** Puts a request at a place, whoever has to leave it. */
  force(request: number, pair: number): void {
    const resource = this.#candidates.resources[pair]!
    this.#touched.add(request)
    this.put(request, -1)
    for (const other of [...this.#occupants[resource]!].sort((a, b) => this.#density(a) - this.#density(b))) {
      if (this.#room.fits(request, resource, pair)) break
      this.put(other, -1)
      this.#touched.add(other)
    }
    if (this.#room.fits(request, resource, pair)) this.put(request, pair)
  }

  /** Requests that were moved since this was last asked. */
  takeTouched(): number[] {
    const touched = [...this.#touched]
    this.#touched.clear()
    return touched
  }

  /** Works off requests until no chain that begins with one of them helps; those that chains move come up again. */
  improve(requests: ArrayLike<number>): void {
    const queue = Array.from(requests)
    const isQueued = new Set(queue)
    for (let at = 0; at < queue.length && !this.isSpent; at++) {
      const request = queue[at]!
      isQueued.delete(request)
      if (!this.#improveOne(request)) continue
      for (const [moved] of this.#trail) {
        if (isQueued.has(moved)) continue
        isQueued.add(moved)
        queue.push(moved)
      }
    }
  }

  /**
   * Fills resources anew, one after another, with those for whom moving there brings most (by gain, or by gain for their
   * size): a large request gives way to several small ones. Goes on with the resources that somebody has left.
   */
  refill(resources: ArrayLike<number>): void {
    const queue = Array.from(resources)
    const isQueued = new Set(queue)
    for (let at = 0; at < queue.length && !this.isSpent; at++) {
      isQueued.delete(queue[at]!)
      for (const left of this.#refillOne(queue[at]!)) {
        if (isQueued.has(left)) continue
        isQueued.add(left)
        queue.push(left)
      }
    }
  }

  /** The resources that requests have left for this one; none: it was as full as it could be. */
  #refillOne(resource: number): number[] {
    const { utility, resources } = this.#candidates
    const columns = this.#columns()
    const gains = new Map<number, number>()
    const sizes = new Map<number, number>()
    for (let at = columns.starts[resource]!; at < columns.starts[resource + 1]!; at++) {
      const pair = columns.pairs[at]!
      const had = this.#pair[columns.requestOf[pair]!]!
      const gain = utility[pair]! - (had < 0 || had === pair ? 0 : utility[had]!)
      if (gain > LEAST_GAIN) {
        gains.set(pair, gain)
        sizes.set(pair, this.#share(columns.requestOf[pair]!, pair))
      }
    }
    this.evaluations += columns.starts[resource + 1]! - columns.starts[resource]!
    const before = [...this.#occupants[resource]!]
    const worth = before.reduce((sum, request) => sum + utility[this.#pair[request]!]!, 0)
    const wanted = [...gains.keys()]
    for (const worthOf of [
      (pair: number) => gains.get(pair)!,
      (pair: number) => gains.get(pair)! / sizes.get(pair)!,
    ]) {
      wanted.sort((a, b) => worthOf(b) - worthOf(a) || a - b)
      this.#trail.length = 0
      for (const request of before) this.#move(request, -1)
      let gain = -worth
      for (const pair of wanted) {
        const request = columns.requestOf[pair]!
        if (!this.#room.fits(request, resource, pair)) continue
        this.#move(request, pair)
        gain += gains.get(pair)!
      }
      if (gain > LEAST_GAIN) {
        return this.#trail
          .filter(([, had]) => had >= 0 && resources[had] !== resource)
          .map(([, had]) => resources[had]!)
      }
      this.#undo(0)
    }
    return []
  }

  snapshot(): Snapshot {
    return { pair: this.#pair.slice(), value: this.value }
  }

  restore({ pair }: Snapshot): void {
    for (const [request, had] of this.#pair.entries()) if (had !== pair[request]) this.put(request, -1)
    for (const [request, had] of pair.entries()) if (had !== this.#pair[request]) this.put(request, had)
  }

  /** Whether a chain from this request helped; the trail then tells who was moved. */
  #improveOne(request: number): boolean {
    const { utility } = this.#candidates
    const had = this.#pair[request]!
    const base = had < 0 ? 0 : utility[had]!
    this.#trail.length = 0
    this.#visited.clear()
    this.#move(request, -1)
    if (this.#place(request, 0, base + LEAST_GAIN) > base + LEAST_GAIN) return true
    this.#undo(0)
    return false
  }

  /**
   * Finds a request a place, pushing out others as far as that pays: what is gained by it, if more than `least`. Else the
   * allocation is as before and the gain is -Infinity.
   */
  #place(request: number, depth: number, least: number): number {
    const { starts, resources, utility } = this.#candidates
    const ranked = this.#rankedPairs(request)
    const count = starts[request + 1]! - starts[request]!
    let tried = 0
    for (let k = 0; k < count; k++) {
      const pair = ranked[k]!
      if (utility[pair]! <= least || this.isSpent) break
      const resource = resources[pair]!
      if (this.#visited.has(resource)) continue
      this.evaluations++
      if (this.#room.fits(request, resource, pair)) {
        this.#move(request, pair)
        return utility[pair]!
      }
      if (depth >= DEPTH || tried >= WIDTHS[depth]!) continue
      const gain = this.#pushInto(request, pair, depth, least)
      if (gain > least) return gain
      if (gain > Number.NEGATIVE_INFINITY) tried++
    }
    return Number.NEGATIVE_INFINITY
  }

  /** Takes the place of others there. The gain; -Infinity where nobody's leaving could pay. */
  #pushInto(request: number, pair: number, depth: number, least: number): number {
    const { resources, utility } = this.#candidates
    const resource = resources[pair]!
    const occupants = this.#occupants[resource]!
    let most = Number.NEGATIVE_INFINITY
    for (const out of this.#setsToPushOut(request, resource, pair, occupants)) {
      let hope = utility[pair]!
      for (const other of out) hope += this.#bestOf(other) - utility[this.#pair[other]!]!
      if (hope <= least) continue
      const mark = this.#trail.length
      let gain = utility[pair]!
      for (const other of out) {
        gain -= utility[this.#pair[other]!]!
        this.#move(other, -1)
      }
      this.#move(request, pair)
      this.#visited.add(resource)
      for (const other of out) {
        if (gain > least && out.length > 1) break
        const regained = this.#place(other, depth + 1, Math.max(0, out.length > 1 ? 0 : least - gain))
        if (regained > 0) gain += regained
      }
      if (gain > least) return gain
      this.#visited.delete(resource)
      this.#undo(mark)
      most = Math.max(most, gain)
    }
    return most
  }

  /** Whose leaving makes room: each alone who suffices, else the few that are worth least for their size. */
  #setsToPushOut(request: number, resource: number, pair: number, occupants: readonly number[]): number[][] {
    const sets: number[][] = []
    for (const other of occupants) {
      this.evaluations++
      this.#room.giveBack(other, resource, this.#pair[other]!)
      if (this.#room.fits(request, resource, pair)) sets.push([other])
      this.#room.take(other, resource, this.#pair[other]!)
    }
    const { utility } = this.#candidates
    sets.sort((a, b) => utility[this.#pair[a[0]!]!]! - utility[this.#pair[b[0]!]!]!)
    if (occupants.length < 2) return sets
    const few: number[] = []
    for (const other of [...occupants].sort((a, b) => this.#density(a) - this.#density(b))) {
      if (few.length === MOST_OUT) break
      this.#room.giveBack(other, resource, this.#pair[other]!)
      few.push(other)
      if (this.#room.fits(request, resource, pair)) {
        if (few.length > 1) sets.push([...few])
        break
      }
    }
    for (const other of few) this.#room.take(other, resource, this.#pair[other]!)
    return sets
  }

  #move(request: number, pair: number): void {
    this.#trail.push([request, this.#pair[request]!])
    this.put(request, pair)
  }

  #undo(mark: number): void {
    // Backwards, so that at each step only what was possible before comes back.
    while (this.#trail.length > mark) {
      const [request, pair] = this.#trail.pop()!
      this.put(request, pair)
    }
  }

  #rankedPairs(request: number): Uint32Array {
    const { starts, utility } = this.#candidates
    const own = this.#ranked.subarray(starts[request]!, starts[request + 1]!)
    if (this.#isRanked[request] === 0) {
      own.sort((a, b) => utility[b]! - utility[a]! || a - b)
      this.#isRanked[request] = 1
    }
    return own
  }

  /** The pairs by resource. */
  #columns(): Columns {
    if (this.#byResource !== undefined) return this.#byResource
    const { starts, resources } = this.#candidates
    const columns = new Uint32Array(this.#packing.resources + 1)
    for (const resource of resources) columns[resource + 1]!++
    for (let at = 1; at < columns.length; at++) columns[at]! += columns[at - 1]!
    const next = columns.slice(0, -1)
    const pairs = new Uint32Array(resources.length)
    const requestOf = new Uint32Array(resources.length)
    for (let request = 0; request + 1 < starts.length; request++) {
      for (let pair = starts[request]!; pair < starts[request + 1]!; pair++) {
        pairs[next[resources[pair]!]!++] = pair
        requestOf[pair] = request
      }
    }
    this.#byResource = { starts: columns, pairs, requestOf }
    return this.#byResource
  }

  #bestOf(request: number): number {
    return this.#candidates.utility[this.#rankedPairs(request)[0]!]!
  }

  /** What a request is worth for its size where it is, relative to what its resource holds. */
  #density(request: number): number {
    const pair = this.#pair[request]!
    return this.#candidates.utility[pair]! / this.#share(request, pair)
  }

  /** What a request takes of a resource, over the kinds, as shares of its capacity. */
  #share(request: number, pair: number): number {
    const { resources } = this.#candidates
    const { kinds, capacity, demand, demandPerPair } = this.#packing
    const from = (demandPerPair ? pair : request) * kinds
    const to = resources[pair]! * kinds
    let size = 1e-12
    for (let kind = 0; kind < kinds; kind++) {
      if (capacity[to + kind]! > 0) size += demand[from + kind]! / capacity[to + kind]!
    }
    return size
  }
}
