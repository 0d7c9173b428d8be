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

  /** Reads the next chunk. Returns what is wrong with it; undefined when all is well. */
  read(chunk: Uint8Array): 'too-large' | 'malformed' | undefined {
    let at = 0
    while (at < chunk.length) {
      if (this.#bodyLeft !== undefined) {
        const step = Math.min(this.#bodyLeft, chunk.length - at)
        at += step
        this.#bodyLeft -= step
        if (this.#bodyLeft === 0) this.#bodyLeft = undefined
        continue
      }
      const byte = chunk[at++]!
      if (this.#headerBytes === 0) {
        this.#headerBytes = 1
        continue
      }
      this.#length += (byte & 0x7f) * 128 ** (this.#headerBytes - 1)
      this.#headerBytes++
      if (this.#length > this.#maxBytes) return 'too-large'
      if (byte & 0x80) {
        if (this.#headerBytes > 4) return 'malformed'
        continue
      }
      this.#bodyLeft = this.#length === 0 ? undefined : this.#length
      this.#headerBytes = 0
      this.#length = 0
    }
    return undefined
  }
}
