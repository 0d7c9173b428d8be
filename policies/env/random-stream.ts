/**
 * Random numbers for hot loops: Chris Doty-Humphrey's sfc32, re-seeded in place, so that an episode allocates nothing.
 * Equal words give equal streams; streams of different words are unrelated.
 */
export class RandomStream {
  private a = 0
  private b = 0
  private c = 0
  private counter = 1
  private spare = Number.NaN

  constructor(...words: readonly number[]) {
    this.seed(...words)
  }

  /** Starts the stream that the words (integers modulo 2³²) name. */
  seed(...words: readonly number[]): void {
    this.a = 0x9e3779b9
    this.b = 0x243f6a88
    this.c = 0xb7e15162
    this.counter = 1
    this.spare = Number.NaN
    for (const word of words) {
      this.a = (this.a ^ (word | 0)) | 0
      for (let round = 0; round < 4; round++) this.bits()
      // A word and its high part both count: seeds beyond 2³² are told apart, too.
      this.b = (this.b ^ Math.floor(word / 2 ** 32)) | 0
      for (let round = 0; round < 4; round++) this.bits()
    }
    for (let round = 0; round < 12; round++) this.bits()
  }

  /** Goes on as `other` will. */
  copyFrom(other: RandomStream): void {
    this.a = other.a
    this.b = other.b
    this.c = other.c
    this.counter = other.counter
    this.spare = other.spare
  }

  /** 32 random bits as a signed integer. */
  bits(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0
    return sum
  }

  /** Uniform in [0, 1), 53 bits. */
  uniform(): number {
    const high = this.bits() >>> 5
    return (high * 67108864 + (this.bits() >>> 6)) / 9007199254740992
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.uniform()
  }

  /** Uniform integer in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.uniform() * limit)
  }

  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform())
  }

  normal(): number {
    if (!Number.isNaN(this.spare)) {
      const value = this.spare
      this.spare = Number.NaN
      return value
    }
    for (;;) {
      const u = 2 * this.uniform() - 1
      const v = 2 * this.uniform() - 1
      const square = u * u + v * v
      if (square === 0 || square >= 1) continue
      const scale = Math.sqrt((-2 * Math.log(square)) / square)
      this.spare = v * scale
      return u * scale
    }
  }

  /** Poisson by multiplying uniforms (Knuth): for means up to some tens. `expMinusMean` is e^−mean. */
  poisson(expMinusMean: number): number {
    let count = 0
    for (let product = this.uniform(); product > expMinusMean; product *= this.uniform()) count++
    return count
  }
}
