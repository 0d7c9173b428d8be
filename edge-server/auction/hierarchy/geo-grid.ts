/** Points that a search for the nearest looks at before it gives up. */
const MOST_SEEN = 4096

/**
 * An index of points on a plane, so that those near a place are found without looking at all: squares of equal size, about
 * two points in each.
 */
export class GeoGrid {
  readonly #x: Float64Array
  readonly #y: Float64Array
  readonly #left: number
  readonly #bottom: number
  readonly #square: number
  readonly #across: number
  readonly #up: number
  /** [squares + 1]: where the points of a square begin in `#points`. */
  readonly #starts: Uint32Array
  readonly #points: Uint32Array

  /** `members`: the points that are in the index, by their places in `x` and `y`. */
  constructor(x: Float64Array, y: Float64Array, members: Uint32Array) {
    let [left, right, bottom, top] = [0, 0, 0, 0]
    for (let k = 0; k < members.length; k++) {
      const [px, py] = [x[members[k]!]!, y[members[k]!]!]
      if (k === 0 || px < left) left = px
      if (k === 0 || px > right) right = px
      if (k === 0 || py < bottom) bottom = py
      if (k === 0 || py > top) top = py
    }
    const [width, height] = [right - left, top - bottom]
    // Neither a line of points nor one far away from the rest may ask for more squares than there are points.
    const area = Math.max(width * height, (Math.max(width, height) ** 2 * 2) / Math.max(1, members.length))
    this.#square = Math.sqrt((2 * area) / Math.max(1, members.length)) || 1
    this.#across = Math.floor(width / this.#square) + 1
    this.#up = Math.floor(height / this.#square) + 1
    this.#x = x
    this.#y = y
    this.#left = left
    this.#bottom = bottom
    this.#starts = new Uint32Array(this.#across * this.#up + 1)
    this.#points = new Uint32Array(members.length)
    const squareOf = (point: number) =>
      Math.floor((y[point]! - bottom) / this.#square) * this.#across +
      Math.floor((x[point]! - left) / this.#square)
    for (let k = 0; k < members.length; k++) this.#starts[squareOf(members[k]!) + 1]!++
    for (let s = 0; s < this.#across * this.#up; s++) this.#starts[s + 1]! += this.#starts[s]!
    const next = this.#starts.slice()
    for (let k = 0; k < members.length; k++) this.#points[next[squareOf(members[k]!)]!++] = members[k]!
  }

  /** Hands `each` all points that may lie within `radius` of a place, and perhaps some that lie a little farther off. */
  near(x: number, y: number, radius: number, each: (point: number) => void): void {
    const [x0, x1] = this.#range(x - this.#left, radius, this.#across)
    const [y0, y1] = this.#range(y - this.#bottom, radius, this.#up)
    for (let row = y0; row <= y1; row++) {
      const from = this.#starts[row * this.#across + x0]!
      const to = x1 < x0 ? from : this.#starts[row * this.#across + x1 + 1]!
      for (let k = from; k < to; k++) each(this.#points[k]!)
    }
  }

  /** The largest radius around a place, up to `radius`, in whose squares there are at most `most` points. */
  radiusOf(x: number, y: number, radius: number, most: number): number {
    if (this.#points.length <= most) return radius
    let reach = Math.min(radius, this.#reachOfAll(x, y))
    if (this.#countNear(x, y, reach) <= most) return radius
    while (reach > this.#square / 64 && this.#countNear(x, y, reach) > most) reach /= 2
    return reach
  }

  #countNear(x: number, y: number, radius: number): number {
    let count = 0
    const [x0, x1] = this.#range(x - this.#left, radius, this.#across)
    const [y0, y1] = this.#range(y - this.#bottom, radius, this.#up)
    for (let row = y0; row <= y1 && x0 <= x1; row++) {
      count += this.#starts[row * this.#across + x1 + 1]! - this.#starts[row * this.#across + x0]!
    }
    return count
  }

  /**
   * Up to `count` points within `radius` for which `isWanted`, the nearest first; of points equally far, the first of the
   * list. Gives up where it would have to look at more than a few thousand.
   */
  nearest(
    x: number,
    y: number,
    radius: number,
    count: number,
    isWanted: (point: number) => boolean,
  ): number[] {
    const found: number[] = []
    const far: number[] = []
    const distance = (point: number) => Math.hypot(this.#x[point]! - x, this.#y[point]! - y)
    // The search grows until the circle that it covers holds enough, so that it never looks much farther than it must.
    for (let reach = 2 * this.#square; ; reach *= 2) {
      const within = Math.min(reach, radius)
      found.length = 0
      far.length = 0
      let [seen, beyond] = [0, 0]
      this.near(x, y, within, (point) => {
        seen++
        const away = distance(point)
        if (away > within) beyond++
        else if (isWanted(point)) {
          far.push(away)
          found.push(point)
        }
      })
      const isAll = seen === this.#points.length && beyond === 0
      if (found.length >= count || within === radius || seen > MOST_SEEN || isAll) break
    }
    return [...found.keys()]
      .sort((a, b) => far[a]! - far[b]! || found[a]! - found[b]!)
      .slice(0, count)
      .map((at) => found[at]!)
  }

  #range(offset: number, radius: number, squares: number): [number, number] {
    // A hair more, since a distance and the square it is looked for in are rounded apart.
    const wide = radius * (1 + 1e-9) + 1e-9 * this.#square
    return [
      Math.max(0, Math.floor((offset - wide) / this.#square)),
      Math.min(squares - 1, Math.floor((offset + wide) / this.#square)),
    ]
  }

  /** From here on everything is within reach. */
  #reachOfAll(x: number, y: number): number {
    return Math.abs(x - this.#left) + Math.abs(y - this.#bottom) + this.#square * (this.#across + this.#up)
  }
}
