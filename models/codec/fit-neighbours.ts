import { CholeskyDecomposition, Matrix } from 'ml-matrix'
import { latentCodes, type StaticRange } from './entropy-tables.ts'
import { ContextModel, mostBack, type Neighbours, weightCount } from './neighbours.ts'
import type { EntropyQuantizer } from './quantizer.ts'

/** So many deviations of what is foretold lie within the reach, either way. */
const DEVIATIONS = 2.2
/** Keeps weights small where codes hardly vary, or always go together. */
const RIDGE = 1e-3
const UNIT = 256

export interface NeighbourShape {
  readonly rowLength: number
  readonly reach: number
  /** Channels that a channel looks back at. Default: all. */
  readonly back?: number
}

/**
 * Weights by which the codes around a code foretell it best, by least squares over `latents` (as for `entropyQuantizer`). The
 * more the channels say of each other, the fewer bytes their codes then take.
 */
export function fitNeighbours(
  plain: StaticRange,
  latents: Float32Array,
  channels: number,
  perChannel: number,
  { gains, rowLength, reach, back = channels }: NeighbourShape & Pick<EntropyQuantizer, 'gains'>,
): Neighbours {
  const codes = latentCodes(plain, latents, channels, perChannel, gains)
  const blank = Array.from({ length: channels }, (_, channel) =>
    new Array<number>(weightCount(Math.min(back, mostBack(channel)))).fill(0),
  )
  const contextModel = new ContextModel({ rowLength, reach, weights: blank }, perChannel, plain.zeroPoint)
  const sums = blank.map((weights) => new NormalEquations(weights.length))
  for (let frame = 0; frame < codes.length; frame += channels * perChannel) {
    contextModel.fill(codes.subarray(frame, frame + channels * perChannel))
    for (let channel = 0; channel < channels; channel++) {
      const own = sums[channel]!
      for (let place = 0; place < perChannel; place++) {
        contextModel.valuesAt(channel, place, own.values)
        own.add(codes[frame + channel * perChannel + place]! - plain.zeroPoint)
      }
    }
  }
  return { rowLength, reach, weights: sums.map((own) => own.solved(reach)) }
}

/** Sums of products of `values` with each other and with what they should foretell. */
class NormalEquations {
  readonly values: Float64Array
  readonly #products: Float64Array
  readonly #wanted: Float64Array
  #count = 0

  constructor(size: number) {
    this.values = new Float64Array(size)
    this.#products = new Float64Array(size * size)
    this.#wanted = new Float64Array(size)
  }

  add(target: number): void {
    const { values } = this
    const size = values.length
    this.#count++
    for (let row = 0; row < size; row++) {
      const value = values[row]!
      if (value === 0) continue
      this.#wanted[row]! += value * target
      for (let column = 0; column <= row; column++)
        this.#products[row * size + column]! += value * values[column]!
    }
  }

  /** Whole weights, so scaled that what they foretell spreads over the reach. */
  solved(reach: number): number[] {
    const size = this.values.length
    const products = new Matrix(size, size)
    for (let row = 0; row < size; row++) {
      for (let column = 0; column <= row; column++) {
        const sum = this.#products[row * size + column]!
        products.set(row, column, sum)
        products.set(column, row, sum)
      }
    }
    const ridged = Matrix.add(products, Matrix.eye(size, size, RIDGE * this.#count))
    const weights = new CholeskyDecomposition(ridged).solve(Matrix.columnVector(this.#wanted)).to1DArray()
    const column = Matrix.columnVector(weights)
    const variance = column.transpose().mmul(products).mmul(column).get(0, 0) / this.#count
    const scale = variance > 0 ? (UNIT * reach) / DEVIATIONS / Math.sqrt(variance) : 0
    // Where nothing is foretold, a scale could blow up noise beyond what a weight holds.
    const limited = Math.min(scale, 2 ** 15 / Math.max(...weights.map(Math.abs), Number.MIN_VALUE))
    return weights.map((weight) => Math.round(weight * limited))
  }
}
