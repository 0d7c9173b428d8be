const MOST = 256

interface Piece {
  readonly server: number
  readonly seconds: number
  readonly sentMs: number
  /** A load that is heard of from then on counts it. */
  readonly countedMs: number
}

/** Work that a device has sent to servers and that their published loads do not count, for as long as that can be of account. */
export class SentWork {
  readonly #longestMs: number
  #pieces: Piece[] = []

  /** @param longestMs work that was sent longer ago does not count, even if the server has published nothing since */
  constructor(longestMs = 1000) {
    this.#longestMs = longestMs
  }

  add(piece: Piece): void {
    this.#pieces.push(piece)
    if (this.#pieces.length > MOST) this.#pieces.shift()
  }

  /** A server's load was heard of: what had reached the server before is in it. */
  published(server: number, nowMs: number): void {
    this.#pieces = this.#pieces.filter((piece) => piece.server !== server || piece.countedMs > nowMs)
  }

  /** Seconds of work that count now. */
  secondsAt(server: number, nowMs: number): number {
    this.#pieces = this.#pieces.filter(({ sentMs }) => nowMs - sentMs <= this.#longestMs)
    return this.#pieces.reduce((sum, piece) => sum + (piece.server === server ? piece.seconds : 0), 0)
  }
}
