const MOST = 256

interface Piece {
  readonly server: number
  readonly seconds: number
  readonly sentMs: number
}

/** Work that a device has sent to servers since they last published their load, for as long as it can still be of account. */
export class SentWork {
  readonly #longestMs: number
  #pieces: Piece[] = []

  /** @param longestMs work that was sent longer ago does not count, even if the server has published nothing since */
  constructor(longestMs = 1000) {
    this.#longestMs = longestMs
  }

  add(server: number, seconds: number, nowMs: number): void {
    this.#pieces.push({ server, seconds, sentMs: nowMs })
    if (this.#pieces.length > MOST) this.#pieces.shift()
  }

  published(server: number): void {
    this.#pieces = this.#pieces.filter((piece) => piece.server !== server)
  }

  /** Seconds of work that count now. */
  secondsAt(server: number, nowMs: number): number {
    this.#pieces = this.#pieces.filter(({ sentMs }) => nowMs - sentMs <= this.#longestMs)
    return this.#pieces.reduce((sum, piece) => sum + (piece.server === server ? piece.seconds : 0), 0)
  }
}
