import type { RandomStream } from '../random-stream.ts'

/** Sizes that tasks are clipped to, bits. */
export const TASK_BITS = [0.1e6, 100e6] as const

/** Tasks come by Poisson's law into a waiting line; one leaves it a slot. The line is a ring that grows when it must. */
export class TaskArrivals {
  private readonly users: number
  private readonly expMinusMean: number
  private bits = new Float64Array(64)
  private user = new Int32Array(64)
  private first = 0
  /** Tasks in the line. */
  waiting = 0
  /** The task that left it last; 0 bits when there was none. */
  taskBits = 0
  taskUser = 0

  constructor(arrivals: number, users: number) {
    this.expMinusMean = Math.exp(-arrivals)
    this.users = users
  }

  clear(): void {
    this.first = 0
    this.waiting = 0
  }

  copyFrom(other: TaskArrivals): void {
    while (this.bits.length < other.bits.length) this.grow()
    for (let at = 0; at < other.waiting; at++) {
      this.bits[at] = other.bits[(other.first + at) % other.bits.length]!
      this.user[at] = other.user[(other.first + at) % other.bits.length]!
    }
    this.first = 0
    this.waiting = other.waiting
    this.taskBits = other.taskBits
    this.taskUser = other.taskUser
  }

  /** One slot: newcomers join the line, its first leaves. */
  next(random: RandomStream, meanBits: number): void {
    for (let left = random.poisson(this.expMinusMean); left > 0; left--) {
      if (this.waiting === this.bits.length) this.grow()
      const at = (this.first + this.waiting++) % this.bits.length
      this.bits[at] = Math.min(TASK_BITS[1], Math.max(TASK_BITS[0], random.exponential(meanBits)))
      this.user[at] = random.below(this.users)
    }
    if (this.waiting === 0) {
      this.taskBits = 0
      this.taskUser = random.below(this.users)
      return
    }
    this.taskBits = this.bits[this.first]!
    this.taskUser = this.user[this.first]!
    this.first = (this.first + 1) % this.bits.length
    this.waiting--
  }

  private grow(): void {
    const length = this.bits.length
    const bits = new Float64Array(2 * length)
    const user = new Int32Array(2 * length)
    for (let at = 0; at < this.waiting; at++) {
      bits[at] = this.bits[(this.first + at) % length]!
      user[at] = this.user[(this.first + at) % length]!
    }
    this.bits = bits
    this.user = user
    this.first = 0
  }
}
