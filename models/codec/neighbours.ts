/**
 * Where a code's table is chosen by the codes around it. A blend of those that a decoder has read by then foretells a code, and which
 * of the 2 · `reach` + 1 tables it takes is that blend, in steps, at most `reach` either way. Whole numbers, so every machine chooses
 * the same.
 */
export interface Neighbours {
  /** Codes in a row of a channel. */
  readonly rowLength: number
  readonly reach: number
  /**
   * For each channel, in 1/256 of a step for each code beyond the middle: first the four of its own channel (above left, above, above
   * right, left), then for the channels right before it, in order, the nine around the same place. A channel may look back at fewer
   * channels than there are; what lies outside counts as the middle.
   */
  readonly weights: readonly (readonly number[])[]
}

/** Tables of one channel. */
export const contextsOf = (neighbours: Pick<Neighbours, 'reach'> | undefined): number =>
  neighbours ? 2 * neighbours.reach + 1 : 1

const OWN = 4
const AROUND = 9
const WEIGHT_SHIFT = 8
const WEIGHT_LIMIT = 2 ** 15
/** Sums stay below 2^31: 28 channels of nine and the four, each at most 255 times a weight. */
const MOST_CHANNELS_BACK = 28
const MOST_BEYOND = 255

/** Channels before a channel that its weights take in. */
const channelsBack = (weights: readonly number[]): number => (weights.length - OWN) / AROUND

/** Weights of a channel that looks back at `back` others. */
export const weightCount = (back: number): number => OWN + AROUND * back

/** How far channel number `channel` can look back. */
export const mostBack = (channel: number): number => Math.min(channel, MOST_CHANNELS_BACK)

/** What is wrong with them, or nothing. */
export function neighboursFault({ rowLength, reach, weights }: Neighbours): string | undefined {
  if (!(Number.isSafeInteger(rowLength) && rowLength >= 1))
    return `rowLength ${rowLength} is not a whole number from 1`
  if (!(Number.isSafeInteger(reach) && reach >= 1 && reach <= 16)) return `reach ${reach} is not 1 to 16`
  for (const [channel, own] of weights.entries()) {
    const back = channelsBack(own)
    if (!(Number.isInteger(back) && back >= 0 && back <= mostBack(channel)))
      return `weights of channel ${channel}: ${own.length} are not 4, and 9 for each of at most ${mostBack(channel)} channels before it`
    const bad = own.find((weight) => !(Number.isInteger(weight) && Math.abs(weight) <= WEIGHT_LIMIT))
    if (bad !== undefined)
      return `weights of channel ${channel}: ${bad} is not a whole number from -${WEIGHT_LIMIT} to ${WEIGHT_LIMIT}`
  }
  return undefined
}

/** The codes of one tensor as they become known, and the table that each next one takes. Serves one thread. */
export class ContextModel {
  readonly #neighbours: Neighbours
  readonly #middle: number
  readonly #perChannel: number
  /** How far each code lies from the middle, with a border of zeros around each channel. */
  readonly #beyond: Int32Array
  readonly #bordered: number
  /** Where a place of a channel lies in its bordered plane. */
  readonly #places: Int32Array
  /** Where the neighbours of each channel lie, counted from the code, and their weights. */
  readonly #offsets: readonly Int32Array[]
  readonly #weights: readonly Int32Array[]

  constructor(neighbours: Neighbours, perChannel: number, middle: number) {
    const { rowLength, weights } = neighbours
    const width = rowLength + 2
    this.#neighbours = neighbours
    this.#middle = middle
    this.#perChannel = perChannel
    this.#bordered = width * (perChannel / rowLength + 2)
    this.#beyond = new Int32Array(this.#bordered * weights.length)
    this.#places = Int32Array.from(
      { length: perChannel },
      (_, at) => (Math.floor(at / rowLength) + 1) * width + (at % rowLength) + 1,
    )
    const around = [-width - 1, -width, -width + 1, -1, 0, 1, width - 1, width, width + 1]
    this.#offsets = weights.map((own) => {
      const offsets = around.slice(0, OWN)
      for (let back = channelsBack(own); back > 0; back--)
        offsets.push(...around.map((offset) => offset - back * this.#bordered))
      return Int32Array.from(offsets)
    })
    this.#weights = weights.map((own) => Int32Array.from(own))
  }

  /** Takes in a whole tensor. */
  fill(codes: ArrayLike<number>): void {
    for (let at = 0, channel = 0; at < codes.length; channel++) {
      for (let place = 0; place < this.#perChannel; place++) this.put(channel, place, codes[at++]!)
    }
  }

  put(channel: number, place: number, code: number): void {
    const beyond = code - this.#middle
    this.#beyond[channel * this.#bordered + this.#places[place]!] =
      beyond > MOST_BEYOND ? MOST_BEYOND : beyond < -MOST_BEYOND ? -MOST_BEYOND : beyond
  }

  /** Which of its channel's tables a code takes. Whatever stands at later places is not looked at. */
  tableAt(channel: number, place: number): number {
    const beyond = this.#beyond
    const weights = this.#weights[channel]!
    const offsets = this.#offsets[channel]!
    const origin = channel * this.#bordered + this.#places[place]!
    let sum = 1 << (WEIGHT_SHIFT - 1)
    for (let at = 0; at < weights.length; at++) {
      sum = (sum + Math.imul(weights[at]!, beyond[origin + offsets[at]!]!)) | 0
    }
    const step = sum >> WEIGHT_SHIFT
    const { reach } = this.#neighbours
    return (step > reach ? reach : step < -reach ? -reach : step) + reach
  }

  /** What a channel's weights are multiplied with at a place, in their order. */
  valuesAt(channel: number, place: number, out: Float64Array): void {
    const origin = channel * this.#bordered + this.#places[place]!
    const offsets = this.#offsets[channel]!
    for (let at = 0; at < offsets.length; at++) out[at] = this.#beyond[origin + offsets[at]!]!
  }
}
