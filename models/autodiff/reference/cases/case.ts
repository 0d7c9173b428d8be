import type { Random } from '../../../data/random.ts'
import type { ConstantTensor, GraphBuilder } from '../../../onnx/index.ts'
import { type Dense, tabulate } from '../dense.ts'

/** Where a case gets its shapes, attributes and numbers from. */
export interface Choices {
  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number
  pick<T>(items: readonly T[]): T
  /** For the elements of tensors. */
  readonly random: Random
}

/** An operator with its attributes and inputs, to be differentiated. */
export interface GradientCase {
  readonly opset: number
  /** Float32 inputs by name, kept as float64. */
  readonly inputs: Readonly<Record<string, Dense>>
  /** Convolutions run by Winograd's tiles, as in a training step. Default false. */
  readonly byTiles?: boolean
  /** Writes the operator over inputs of these names; returns the outputs to be compared. */
  write(g: GraphBuilder): readonly string[]
}

export type CaseMaker = (choose: Choices) => GradientCase

/** The operator sets whose forms of the operators differ. */
export const OPSETS = [14, 15, 17, 18, 20, 21] as const

/** Elements uniform in [low, high), exact in float32. */
export const uniform = (dims: readonly number[], random: Random, low = -2, high = 2): Dense =>
  tabulate(dims, () => Math.fround(low + (high - low) * random.uniform()))

/** Elements uniform in [low, high) that keep a distance from places where the operator has a kink. */
export const awayFrom = (
  kinks: readonly number[],
  dims: readonly number[],
  random: Random,
  low = -2,
  high = 2,
): Dense =>
  tabulate(dims, () => {
    for (;;) {
      const value = Math.fround(low + (high - low) * random.uniform())
      if (kinks.every((kink) => Math.abs(value - kink) > 0.02)) return value
    }
  })

/** Arrays no two of whose elements, of whichever array, are nearer than 0.02. */
export function distinct(shapes: readonly (readonly number[])[], random: Random): Dense[] {
  const count = shapes.reduce((sum, dims) => sum + dims.reduce((product, dim) => product * dim, 1), 0)
  const order = Array.from({ length: count }, (_, place) => place)
  for (let last = count - 1; last > 0; last--) {
    const other = random.below(last + 1)
    ;[order[last], order[other]] = [order[other]!, order[last]!]
  }
  return shapes.map((dims) =>
    tabulate(dims, () => Math.fround(0.04 * (order.pop()! - count / 2 + 0.4 * random.uniform()))),
  )
}

/** A shape of `rank` axes. */
export const shape = (choose: Choices, rank: number, largest = 4): number[] =>
  Array.from({ length: rank }, () => choose.integer(1, largest))

/** A shape that broadcasts into `dims`: leading axes dropped, some sizes 1. */
export const narrowed = (choose: Choices, dims: readonly number[]): number[] =>
  dims.slice(choose.integer(0, dims.length)).map((dim) => (choose.integer(0, 2) === 0 ? 1 : dim))

/** Two shapes that broadcast together: either may lack leading axes or have size 1 where the other is larger. */
export function broadcastPair(choose: Choices): [number[], number[]] {
  const dims = shape(choose, choose.integer(0, 4), 3)
  const pair: [number[], number[]] = [narrowed(choose, dims), narrowed(choose, dims)]
  return choose.pick([pair, [dims, pair[1]], [pair[0], dims], [dims, dims]])
}

/** A constant of whole numbers. */
export function constantOf(
  dtype: 'int64' | 'bool',
  dims: readonly number[],
  values: readonly number[],
): ConstantTensor {
  const data = dtype === 'bool' ? Uint8Array.from(values) : BigInt64Array.from(values, BigInt)
  return { dtype, dims, bytes: new Uint8Array(data.buffer) }
}
