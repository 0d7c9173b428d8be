/** One thing that the device will learn. */
export interface NewsItem {
  /** From then on the device knows, s. */
  knownS: number
  server: number
  /** The end of a frame that was sent (answer or deadline), or a report that the server sent by itself. */
  ofFrame: boolean
  /** When the server measured the wait, and the wait; NaN: nothing is told of it. */
  measuredS: number
  waitS: number
  /** The wait is a lower bound. */
  waitIsBound: boolean
  /** Of an answer; NaN: none came. */
  rttS: number
  /** A transfer and the time it took (`sent`), or at least took; 0 bits: none. */
  bits: number
  seconds: number
  sent: boolean
}

/** What the device is going to learn, in the order in which it will. Entries are used again. */
export class News {
  /** Latest first. */
  private readonly items: NewsItem[] = []
  private count = 0
  /** Frames whose end the device does not know yet. */
  outstanding = 0

  clear(): void {
    this.count = this.outstanding = 0
  }

  copyFrom(other: News): void {
    while (this.items.length < other.count) this.items.push(emptyItem())
    for (let at = 0; at < other.count; at++) Object.assign(this.items[at]!, other.items[at]!)
    this.count = other.count
    this.outstanding = other.outstanding
  }

  /** A place for something that will be known at `knownS`; the caller fills in the rest. */
  add(knownS: number, ofFrame: boolean): NewsItem {
    const { items } = this
    if (this.count === items.length) items.push(emptyItem())
    const item = items[this.count]!
    let at = this.count++
    for (; at > 0 && items[at - 1]!.knownS <= knownS; at--) items[at] = items[at - 1]!
    items[at] = item
    item.knownS = knownS
    item.ofFrame = ofFrame
    if (ofFrame) this.outstanding++
    return item
  }

  /** The next thing known by `nowS`, until then valid; undefined when there is no more. */
  next(nowS: number): NewsItem | undefined {
    const item = this.items[this.count - 1]
    if (this.count === 0 || item!.knownS > nowS) return undefined
    this.count--
    if (item!.ofFrame) this.outstanding--
    return item
  }
}

function emptyItem(): NewsItem {
  return {
    knownS: 0,
    server: 0,
    ofFrame: false,
    measuredS: 0,
    waitS: 0,
    waitIsBound: false,
    rttS: 0,
    bits: 0,
    seconds: 0,
    sent: false,
  }
}
