import type { Allocation, Candidates } from '../candidates.ts'

/** An optimal assignment with the prices that prove it. */
export interface Assignment extends Allocation {
  /**
   * [resources]: a price from 0 on at which nobody would rather have another resource and every resource that costs
   * something is taken.
   */
  readonly prices: Float64Array
}

/**
 * The best allocation when each resource serves at most one request: exact. Grows a maximum-weight matching by shortest
 * augmenting paths over sparse rows (after Jonker and Volgenant 1987), from the side that is smaller. Utilities below 0
 * are never taken.
 */
export function optimalAssignment(candidates: Candidates, resources: number): Assignment {
  const requests = candidates.starts.length - 1
  const rows: Rows = {
    starts: candidates.starts,
    columns: candidates.resources,
    weights: candidates.utility,
    width: resources,
  }
  const turned = resources < requests
  const matching = growMatching(turned ? transposed(rows) : rows)
  const resource = turned ? matching.rowOf : matching.columnOf
  const prices = turned ? matching.profits : matching.prices
  let value = 0
  for (let request = 0; request < requests; request++) {
    if (resource[request]! < 0) continue
    value += utilityOfPair(candidates, request, resource[request]!)
  }
  return { resource, value, prices }
}

/** Utility of a pair by its two places; throws for one that is no candidate. */
export function utilityOfPair(candidates: Candidates, request: number, resource: number): number {
  return candidates.utility[pairOf(candidates, request, resource)]!
}

/** Place of a pair in the lists, or -1: binary search, since a request's resources are in rising order. */
export function pairOf({ starts, resources }: Candidates, request: number, resource: number): number {
  let from = starts[request]!
  let to = starts[request + 1]! - 1
  while (from <= to) {
    const middle = (from + to) >> 1
    if (resources[middle]! === resource) return middle
    if (resources[middle]! < resource) from = middle + 1
    else to = middle - 1
  }
  return -1
}

interface Rows {
  readonly starts: Uint32Array
  readonly columns: Uint32Array
  readonly weights: Float64Array
  /** Number of columns. */
  readonly width: number
}

function transposed({ starts, columns, weights, width }: Rows): Rows {
  const turned = new Uint32Array(width + 1)
  for (const column of columns) turned[column + 1]!++
  for (let column = 0; column < width; column++) turned[column + 1]! += turned[column]!
  const at = turned.slice(0, width)
  const across = new Uint32Array(columns.length)
  const moved = new Float64Array(columns.length)
  for (let row = 0; row + 1 < starts.length; row++) {
    for (let pair = starts[row]!; pair < starts[row + 1]!; pair++) {
      const to = at[columns[pair]!]!++
      across[to] = row
      moved[to] = weights[pair]!
    }
  }
  return { starts: turned, columns: across, weights: moved, width: starts.length - 1 }
}

function growMatching({ starts, columns, weights, width }: Rows) {
  const count = starts.length - 1
  const columnOf = new Int32Array(count).fill(-1)
  const rowOf = new Int32Array(width).fill(-1)
  const profits = new Float64Array(count)
  const prices = new Float64Array(width)
  const distance = new Float64Array(width).fill(Number.POSITIVE_INFINITY)
  const reachedFrom = new Int32Array(width)
  const isSettled = new Uint8Array(width)
  const touched: number[] = []
  const settled: number[] = []
  const queue = new DistanceQueue()

  for (let source = 0; source < count; source++) {
    let profit = 0
    for (let pair = starts[source]!; pair < starts[source + 1]!; pair++) {
      profit = Math.max(profit, weights[pair]! - prices[columns[pair]!]!)
    }
    if (profit === 0) continue
    profits[source] = profit
    // The path ends at a free column, or at a row that gives its column up.
    let shortest = profit
    let lastColumn = -1
    let givesUp = source
    let row = source
    let rowDistance = 0
    for (;;) {
      const reduced = rowDistance + profits[row]!
      for (let pair = starts[row]!; pair < starts[row + 1]!; pair++) {
        const column = columns[pair]!
        if (isSettled[column]) continue
        const length = reduced + prices[column]! - weights[pair]!
        if (length >= distance[column]! || length >= shortest) continue
        if (distance[column] === Number.POSITIVE_INFINITY) touched.push(column)
        distance[column] = length
        reachedFrom[column] = row
        if (rowOf[column]! < 0) {
          shortest = length
          lastColumn = column
        } else queue.push(column, length)
      }
      let next = -1
      while (queue.size > 0) {
        const column = queue.pop()
        if (isSettled[column]) continue
        next = column
        break
      }
      if (next < 0 || distance[next]! >= shortest) break
      isSettled[next] = 1
      settled.push(next)
      row = rowOf[next]!
      rowDistance = distance[next]!
      if (rowDistance + profits[row]! < shortest) {
        shortest = rowDistance + profits[row]!
        lastColumn = -1
        givesUp = row
      }
    }
    profits[source]! -= shortest
    for (const column of settled) {
      const slack = shortest - distance[column]!
      if (slack > 0) {
        prices[column]! += slack
        profits[rowOf[column]!]! -= slack
      }
    }
    if (lastColumn < 0 && givesUp !== source) {
      lastColumn = columnOf[givesUp]!
      columnOf[givesUp] = -1
      profits[givesUp] = 0
    }
    for (let column = lastColumn; column >= 0; ) {
      const from = reachedFrom[column]!
      const before = columnOf[from]!
      columnOf[from] = column
      rowOf[column] = from
      column = from === source ? -1 : before
    }
    for (const column of touched) {
      distance[column] = Number.POSITIVE_INFINITY
      isSettled[column] = 0
    }
    touched.length = 0
    settled.length = 0
    queue.clear()
  }
  return { columnOf, rowOf, profits, prices }
}

/** Columns by distance, nearest first. */
class DistanceQueue {
  readonly #columns: number[] = []
  readonly #distances: number[] = []

  get size(): number {
    return this.#columns.length
  }

  clear(): void {
    this.#columns.length = 0
    this.#distances.length = 0
  }

  push(column: number, distance: number): void {
    let at = this.#columns.length
    for (; at > 0; ) {
      const parent = (at - 1) >> 1
      if (this.#distances[parent]! <= distance) break
      this.#columns[at] = this.#columns[parent]!
      this.#distances[at] = this.#distances[parent]!
      at = parent
    }
    this.#columns[at] = column
    this.#distances[at] = distance
  }

  pop(): number {
    const nearest = this.#columns[0]!
    const column = this.#columns.pop()!
    const distance = this.#distances.pop()!
    const size = this.#columns.length
    if (size === 0) return nearest
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#distances[child + 1]! < this.#distances[child]!) child++
      if (this.#distances[child]! >= distance) break
      this.#columns[at] = this.#columns[child]!
      this.#distances[at] = this.#distances[child]!
      at = child
    }
    this.#columns[at] = column
    this.#distances[at] = distance
    return nearest
  }
}
