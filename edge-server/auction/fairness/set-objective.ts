import { type Packing, Room } from '../allocation/packing.ts'
import type { Allocation, Candidates } from '../candidates.ts'

/** A value of sets of matches that grows with each match and by less and less: monotone and submodular. */
export interface SetObjective {
  /** What a match would add to what has been added so far. From 0 on. */
  gain(request: number, pair: number): number
  add(request: number, pair: number): void
}

/** The sum of the utilities: the same gain at any time. */
export function additive({ utility }: Candidates): SetObjective {
  return { gain: (_, pair) => Math.max(0, utility[pair]!), add: () => {} }
}

/**
 * Σ over groups of weight × √(what the group has): the first match of a group brings most. Groups are requesters for
 * fairness, with 1 for each match, or kinds of servers for energy, with the score of each match.
 *
 * @param groupOf group of a match, from 0 on
 * @param amountOf what a match adds to its group, from 0 on
 * @param before by group, what it had before the round. Default: nothing
 */
export function concaveOverGroups(
  groups: number,
  groupOf: (request: number, pair: number) => number,
  amountOf: (request: number, pair: number) => number = () => 1,
  weightOf: (group: number) => number = () => 1,
  before?: ArrayLike<number>,
): SetObjective {
  const has = before === undefined ? new Float64Array(groups) : Float64Array.from(before)
  return {
    gain: (request, pair) => {
      const group = groupOf(request, pair)
      return weightOf(group) * (Math.sqrt(has[group]! + amountOf(request, pair)) - Math.sqrt(has[group]!))
    },
    add: (request, pair) => {
      has[groupOf(request, pair)]! += amountOf(request, pair)
    },
  }
}

/** Σ factor × objective: θ₁ ΣU + θ₂ Φ + θ₃ Ψ (MOHAF section 3). */
export function sumOf(
  parts: readonly { readonly factor: number; readonly objective: SetObjective }[],
): SetObjective {
  return {
    gain: (request, pair) =>
      parts.reduce((sum, { factor, objective }) => sum + factor * objective.gain(request, pair), 0),
    add: (request, pair) => {
      for (const { objective } of parts) objective.add(request, pair)
    },
  }
}

export interface SetAllocation extends Allocation {
  /** Value of the set objective; `value` is the sum of utilities, as everywhere. */
  readonly objective: number
  /** How often a gain was asked for. */
  readonly evaluations: number
}

/**
 * Greedy for a set objective: takes the match that adds most, again and again; of equal ones that of the first pair. `lazy`
 * asks again only for those at the top (Minoux 1978): gains never grow, so that the result is the same.
 */
export function setGreedy(
  candidates: Candidates,
  packing: Packing,
  objective: SetObjective,
  { lazy = true }: { readonly lazy?: boolean } = {},
): SetAllocation {
  const { starts, resources, utility } = candidates
  const requests = starts.length - 1
  const room = new Room(packing)
  const resource = new Int32Array(requests).fill(-1)
  const requestOf = new Uint32Array(utility.length)
  for (let request = 0; request < requests; request++)
    requestOf.fill(request, starts[request], starts[request + 1])
  let [evaluations, total, value] = [0, 0, 0]
  const gainOf = (pair: number): number => {
    evaluations++
    return objective.gain(requestOf[pair]!, pair)
  }
  const isOpen = (pair: number): boolean =>
    resource[requestOf[pair]!]! < 0 && room.fits(requestOf[pair]!, resources[pair]!, pair)
  const take = (pair: number, gain: number): void => {
    const request = requestOf[pair]!
    objective.add(request, pair)
    room.take(request, resources[pair]!, pair)
    resource[request] = resources[pair]!
    total += gain
    value += utility[pair]!
  }
  if (!lazy) {
    for (;;) {
      let best = -1
      let most = 0
      for (let pair = 0; pair < utility.length; pair++) {
        if (!isOpen(pair)) continue
        const gain = gainOf(pair)
        if (gain > most) [best, most] = [pair, gain]
      }
      if (best < 0) break
      take(best, most)
    }
    return { resource, value, objective: total, evaluations }
  }
  const heap = new PairHeap(utility.length)
  /** How many matches had been taken when the gain of a pair was last asked for. */
  const askedAt = new Uint32Array(utility.length)
  let taken = 0
  for (let pair = 0; pair < utility.length; pair++) {
    const gain = gainOf(pair)
    if (gain > 0) heap.push(pair, gain)
  }
  while (heap.size > 0) {
    const pair = heap.top
    if (!isOpen(pair)) {
      heap.pop()
      continue
    }
    if (askedAt[pair] === taken) {
      const gain = heap.topGain
      heap.pop()
      take(pair, gain)
      taken++
      continue
    }
    const gain = gainOf(pair)
    askedAt[pair] = taken
    if (gain > 0) heap.lower(gain)
    else heap.pop()
  }
  return { resource, value, objective: total, evaluations }
}

/** Pairs by gain, the largest first, of equal ones the first. */
class PairHeap {
  readonly #pairs: Uint32Array
  readonly #gains: Float64Array
  size = 0

  constructor(room: number) {
    this.#pairs = new Uint32Array(room)
    this.#gains = new Float64Array(room)
  }

  get top(): number {
    return this.#pairs[0]!
  }

  get topGain(): number {
    return this.#gains[0]!
  }

  push(pair: number, gain: number): void {
    let at = this.size++
    for (; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(pair, gain, parent)) break
      this.#copy(parent, at)
      at = parent
    }
    this.#set(at, pair, gain)
  }

  pop(): void {
    this.size--
    this.#sink(this.#pairs[this.size]!, this.#gains[this.size]!)
  }

  /** Gives the pair at the top a smaller gain. */
  lower(gain: number): void {
    this.#sink(this.#pairs[0]!, gain)
  }

  #sink(pair: number, gain: number): void {
    let at = 0
    for (let child = 1; child < this.size; child = 2 * at + 1) {
      const other = child + 1
      if (other < this.size && this.#isBefore(this.#pairs[other]!, this.#gains[other]!, child)) child = other
      if (this.#isBefore(pair, gain, child)) break
      this.#copy(child, at)
      at = child
    }
    this.#set(at, pair, gain)
  }

  #isBefore(pair: number, gain: number, other: number): boolean {
    const difference = gain - this.#gains[other]!
    return difference > 0 || (difference === 0 && pair < this.#pairs[other]!)
  }

  #copy(from: number, to: number): void {
    this.#set(to, this.#pairs[from]!, this.#gains[from]!)
  }

  #set(at: number, pair: number, gain: number): void {
    this.#pairs[at] = pair
    this.#gains[at] = gain
  }
}
