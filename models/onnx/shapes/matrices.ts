import { intAttribute, stringAttribute } from '../graph.ts'
import {
  axisOf,
  broadcast,
  dimsAt,
  like,
  listOf,
  mismatch,
  type NodeContext,
  type ShapeRule,
  type TensorType,
  typeAt,
} from './context.ts'

/** numpy.matmul: a vector is a row on the left and a column on the right; leading axes broadcast. */
function product(c: NodeContext, a: readonly number[], b: readonly number[]): number[] {
  if (a.length === 0 || b.length === 0) throw mismatch(c, 'a scalar cannot be multiplied as a matrix')
  const left = a.length === 1 ? [1, ...a] : a
  const right = b.length === 1 ? [...b, 1] : b
  if (left.at(-1) !== right.at(-2)) throw mismatch(c, `[${a}] and [${b}] cannot be multiplied`)
  const batch = broadcast(c, [left.slice(0, -2), right.slice(0, -2)])
  return [...batch, ...(a.length === 1 ? [] : [left.at(-2)!]), ...(b.length === 1 ? [] : [right.at(-1)!])]
}

const matMul: ShapeRule = (c) => [like(c, 0, product(c, dimsAt(c, 0), dimsAt(c, 1)))]

const matMulInteger: ShapeRule = (c) => [{ dtype: 'int32', dims: product(c, dimsAt(c, 0), dimsAt(c, 1)) }]

const qLinearMatMul: ShapeRule = (c) => [
  { dtype: typeAt(c, 7).dtype, dims: product(c, dimsAt(c, 0), dimsAt(c, 3)) },
]

const gemm: ShapeRule = (c) => {
  const turn = (dims: readonly number[], flag: number) => (flag ? [...dims].reverse() : dims)
  const a = turn(dimsAt(c, 0), intAttribute(c.node, 'transA', 0))
  const b = turn(dimsAt(c, 1), intAttribute(c.node, 'transB', 0))
  if (a.length !== 2 || b.length !== 2) throw mismatch(c, `[${a}] and [${b}] are not matrices`)
  return [like(c, 0, product(c, a, b))]
}

/** Reductions: the axes were an attribute before opset 18 (ReduceSum: 13) and are an input since. */
const reduce: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const given = listOf(c, 'axes', 1) ?? []
  if (given.length === 0 && intAttribute(c.node, 'noop_with_empty_axes', 0) === 1) return [typeAt(c, 0)]
  const axes = new Set(given.length > 0 ? given.map((axis) => axisOf(c, axis, x.length)) : x.keys())
  return [like(c, 0, shrink(x, axes, intAttribute(c.node, 'keepdims', 1) === 1))]
}

const shrink = (dims: readonly number[], axes: ReadonlySet<number>, keep: boolean): number[] =>
  keep ? dims.map((dim, i) => (axes.has(i) ? 1 : dim)) : dims.filter((_, i) => !axes.has(i))

const argReduce: ShapeRule = (c) => {
  const x = dimsAt(c, 0)
  const axis = axisOf(c, intAttribute(c.node, 'axis', 0), x.length)
  return [{ dtype: 'int64', dims: shrink(x, new Set([axis]), intAttribute(c.node, 'keepdims', 1) === 1) }]
}

/** x [T, N, I] -> y [T, directions, N, H], final states [directions, N, H] (layout 1 puts N first). */
const recurrent =
  (gates: number): ShapeRule =>
  (c) => {
    const x = dimsAt(c, 0)
    const w = dimsAt(c, 1)
    const hidden = intAttribute(c.node, 'hidden_size', w[1]! / gates)
    const directions = stringAttribute(c.node, 'direction', 'forward') === 'bidirectional' ? 2 : 1
    if (x.length !== 3 || w.length !== 3 || w[0] !== directions || w[1] !== gates * hidden) {
      throw mismatch(c, `input [${x}] and weight [${w}] do not fit ${directions} direction(s) of ${hidden}`)
    }
    const batchFirst = intAttribute(c.node, 'layout', 0) === 1
    const [steps, batch] = batchFirst ? [x[1]!, x[0]!] : [x[0]!, x[1]!]
    const state: TensorType = like(
      c,
      0,
      batchFirst ? [batch, directions, hidden] : [directions, batch, hidden],
    )
    const all = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
    return [like(c, 0, all), state, state]
  }

const reductions = 'L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare'

/** Operators that contract axes: products, reductions and recurrent layers. */
export const matrixRules: ReadonlyMap<string, ShapeRule> = new Map([
  ['MatMul', matMul],
  ['MatMulInteger', matMulInteger],
  ['QLinearMatMul', qLinearMatMul],
  ['Gemm', gemm],
  ['ArgMax', argReduce],
  ['ArgMin', argReduce],
  ['LSTM', recurrent(4)],
  ['GRU', recurrent(3)],
  ['RNN', recurrent(1)],
  ...reductions.split(' ').map((name): [string, ShapeRule] => [`Reduce${name}`, reduce]),
])
