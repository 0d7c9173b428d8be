/** Frames in the radio's line, for an estimate of how long a new one would wait. */
export class SendLine {
  private readonly bits: Float64Array
  private readonly fromS: Float64Array
  private readonly untilS: Float64Array
  private readonly mask: number
  private first = 0
  private last = 0

  /** For at least `capacity` frames; beyond that the oldest is forgotten. */
  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(capacity + 1))
    this.bits = new Float64Array(size)
    this.fromS = new Float64Array(size)
    this.untilS = new Float64Array(size)
    this.mask = size - 1
  }

  clear(): void {
    this.first = this.last = 0
  }

  copyFrom(other: SendLine): void {
    this.bits.set(other.bits)
    this.fromS.set(other.fromS)
    this.untilS.set(other.untilS)
    this.first = other.first
    this.last = other.last
  }

  /** A frame of `bits` that the radio really begins at `fromS` and is rid of at `untilS`. */
  add(bits: number, fromS: number, untilS: number): void {
    const at = this.last++ & this.mask
    this.bits[at] = bits
    this.fromS[at] = fromS
    this.untilS[at] = untilS
    if (this.last - this.first > this.mask) this.first++
  }

  /** Expected time until the line is empty, were it sent at `rateBps`, s. */
  waitS(nowS: number, rateBps: number): number {
    while (this.first < this.last && this.untilS[this.first & this.mask]! <= nowS) this.first++
    let bits = 0
    for (let at = this.first; at < this.last; at++) {
      const whole = this.bits[at & this.mask]!
      const sentBits = Math.max(0, nowS - this.fromS[at & this.mask]!) * rateBps
      // How much of a frame has left nobody knows: never believed to be all of it.
      bits += whole - Math.min(0.9 * whole, sentBits)
    }
    return bits / rateBps
  }
}
