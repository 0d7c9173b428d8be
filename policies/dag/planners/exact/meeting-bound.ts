/**
 * Lower bound of when what several tasks hand over can all be at one host. Each of them either runs on another host and sends, or runs on
 * this one; those that do the latter run one after the other. Read backwards in time it bounds the way behind a task whose
 * followers either run on its host, one after the other, or have to be sent to.
 */
export class MeetingBound {
  /** By time from elsewhere, latest first: that time; first moment, length, way of running here. */
  private readonly elsewhere: Float64Array
  private readonly release: Float64Array
  private readonly length: Float64Array
  count = 0

  constructor(most: number) {
    this.elsewhere = new Float64Array(most)
    this.release = new Float64Array(most)
    this.length = new Float64Array(most)
  }

  clear(): void {
    this.count = 0
  }

  /** @param length Infinity where it cannot run here */
  add(elsewhere: number, release: number, length: number): void {
    let place = this.count++
    for (; place > 0 && this.elsewhere[place - 1]! < elsewhere; place--) {
      this.elsewhere[place] = this.elsewhere[place - 1]!
      this.release[place] = this.release[place - 1]!
      this.length[place] = this.length[place - 1]!
    }
    this.elsewhere[place] = elsewhere
    this.release[place] = release
    this.length[place] = length
  }

  /** The earliest moment: the tasks that would come latest from elsewhere run here, as many as it takes. */
  earliest(): number {
    const { elsewhere, release, length, count } = this
    let best = count > 0 ? elsewhere[0]! : 0
    let first = Infinity
    let sum = 0
    let here = 0
    for (let at = 0; at < count; at++) {
      if (length[at] === Infinity) break
      sum += length[at]!
      if (release[at]! < first) first = release[at]!
      if (release[at]! + length[at]! > here) here = release[at]! + length[at]!
      if (first + sum > here) here = first + sum
      if (here >= best) break
      const rest = at + 1 < count ? elsewhere[at + 1]! : 0
      const both = here > rest ? here : rest
      if (both < best) best = both
    }
    return best
  }
}
