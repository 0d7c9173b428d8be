/** Things that are due, earliest first: a heap over typed arrays, four children a node, that allocates only to grow. */
export class EventHeap {
  size = 0
  private keys: Float64Array
  private items: Int32Array

  constructor(capacity = 16) {
    this.keys = new Float64Array(Math.max(4, capacity))
    this.items = new Int32Array(Math.max(4, capacity))
  }

  /** When the first is due; `Infinity` when nothing is. */
  get firstKey(): number {
    return this.size > 0 ? this.keys[0]! : Infinity
  }

  /** The first; of no meaning when there is none. */
  get first(): number {
    return this.items[0]!
  }

  push(key: number, item: number): void {
    if (this.size === this.keys.length) this.grow()
    const { keys, items } = this
    let at = this.size++
    while (at > 0) {
      const parent = (at - 1) >> 2
      if (keys[parent]! <= key) break
      keys[at] = keys[parent]!
      items[at] = items[parent]!
      at = parent
    }
    keys[at] = key
    items[at] = item
  }

  /** Takes the first away and returns it. */
  pop(): number {
    const item = this.items[0]!
    const last = --this.size
    if (last > 0) this.sink(this.keys[last]!, this.items[last]!)
    return item
  }

  /** The first is due later, at `key`. */
  postpone(key: number): void {
    this.sink(key, this.items[0]!)
  }

  clear(): void {
    this.size = 0
  }

  private sink(key: number, item: number): void {
    const { keys, items, size } = this
    let at = 0
    for (;;) {
      const child = 4 * at + 1
      if (child >= size) break
      let least = child
      let leastKey = keys[child]!
      const end = child + 4 < size ? child + 4 : size
      for (let other = child + 1; other < end; other++) {
        const otherKey = keys[other]!
        if (otherKey < leastKey) {
          least = other
          leastKey = otherKey
        }
      }
      if (leastKey >= key) break
      keys[at] = leastKey
      items[at] = items[least]!
      at = least
    }
    keys[at] = key
    items[at] = item
  }

  private grow(): void {
    const keys = new Float64Array(2 * this.keys.length)
    keys.set(this.keys)
    const items = new Int32Array(keys.length)
    items.set(this.items)
    this.keys = keys
    this.items = items
  }
}
