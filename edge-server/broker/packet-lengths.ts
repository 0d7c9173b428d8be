/** How far a chunk was read, and what the packets begun in it cost; or what is wrong with it. */
export type ChunkReading =
  | { readonly wrong: 'too-large' | 'malformed' }
  | { readonly bytes: number; readonly cost: number }

/** A packet costs 1, and 1 more for every so many bytes. */
const BYTES_FOR_ONE = 16_384

/**
 * Follows the MQTT packets in a byte stream without keeping any of them, and says when one announces more bytes
 * than are allowed (MQTT 3.1.1, 2.2: a type byte, then the remaining length in one to four bytes of seven bits).
 */
export class PacketLengths {
  readonly #maxBytes: number
  /** Bytes of the current packet's body still to come; undefined while its header is read. */
  #bodyLeft: number | undefined = undefined
  #headerBytes = 0
  #length = 0

  /** @param maxBytes largest remaining length allowed */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Whether the next byte begins a packet. */
  get between(): boolean {
    return this.#bodyLeft === undefined && this.#headerBytes === 0
  }

  /** Reads on until the chunk ends, or a packet would begin when `budget` is used up. */
  read(chunk: Uint8Array, budget = Number.POSITIVE_INFINITY): ChunkReading {
    let at = 0
    let cost = 0
    while (at < chunk.length && (this.#bodyLeft !== undefined || this.#headerBytes > 0 || cost < budget)) {
      if (this.#bodyLeft === undefined) {
        const wrong = this.#readHeader(chunk[at++]!)
        if (wrong) return { wrong }
        if (this.#bodyLeft !== undefined) cost += 1 + Math.floor(this.#bodyLeft / BYTES_FOR_ONE)
      } else {
        const step = Math.min(this.#bodyLeft, chunk.length - at)
        at += step
        this.#bodyLeft -= step
      }
      if (this.#bodyLeft === 0) this.#bodyLeft = undefined
    }
    return { bytes: at, cost }
  }

  #readHeader(byte: number): 'too-large' | 'malformed' | undefined {
    if (this.#headerBytes > 0) this.#length += (byte & 0x7f) * 128 ** (this.#headerBytes - 1)
    const more = this.#headerBytes === 0 || (byte & 0x80) !== 0
    this.#headerBytes++
    if (this.#length > this.#maxBytes) return 'too-large'
    if (more) return this.#headerBytes > 4 ? 'malformed' : undefined
    this.#bodyLeft = this.#length
    this.#headerBytes = 0
    this.#length = 0
    return undefined
  }
}
