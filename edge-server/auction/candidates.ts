/**
 * The pairs of a round that pass its filters, request by request, without a table of all pairs: those of request i are
 * the entries `starts[i]` to `starts[i + 1]` of the other arrays. Requests and resources are named by their places in the
 * market's lists; those of one request come in the order of its resources.
 */
export interface Candidates {
  /** [requests + 1]. */
  readonly starts: Uint32Array
  /** [pairs]: the resource. */
  readonly resources: Uint32Array
  /** [pairs]: what the match is worth, 0 … 1, by the one function that scores every method. */
  readonly utility: Float64Array
}

/** Who got what. */
export interface Allocation {
  /** [requests]: place of the resource in the market's list, or -1. */
  readonly resource: Int32Array
  /** The sum of the utilities of the matches. */
  readonly value: number
}
