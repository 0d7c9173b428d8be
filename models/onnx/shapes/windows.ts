import { intAttribute, intsAttribute, stringAttribute } from '../graph.ts'
import {
  dimsAt,
  like,
  mismatch,
  type NodeContext,
  type ShapeRule,
  type TensorType,
  typeAt,
} from './context.ts'

/** The window of a convolution or pooling over `rank` spatial axes; pads are begin..., end... as in ONNX. */
interface Window {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly pads: readonly number[]
  readonly autoPad: string
}

function windowOf(c: NodeContext, kernel: readonly number[], rank: number): Window {
  const ones = new Array<number>(rank).fill(1)
  const window = {
    kernel,
    strides: intsAttribute(c.node, 'strides', ones),
    dilations: intsAttribute(c.node, 'dilations', ones),
    pads: intsAttribute(c.node, 'pads', [...ones, ...ones].fill(0)),
    autoPad: stringAttribute(c.node, 'auto_pad', 'NOTSET'),
  }
  const { strides, dilations, pads } = window
  const fits = [kernel, strides, dilations].every((list) => list.length === rank && list.every((n) => n > 0))
  if (!fits || pads.length !== 2 * rank) {
    throw mismatch(c, `kernel [${kernel}], strides [${strides}] and pads [${pads}] do not fit ${rank} axes`)
  }
  return window
}

/** Sizes after a convolution or pooling; `ceil` rounds up as pooling's ceil_mode does. */
function slide(c: NodeContext, sizes: readonly number[], window: Window, ceil: boolean): number[] {
  const rank = sizes.length
  return sizes.map((size, i) => {
    const stride = window.strides[i]!
    const reach = (window.kernel[i]! - 1) * window.dilations[i]! + 1
    if (window.autoPad.startsWith('SAME')) return Math.ceil(size / stride)
    const before = window.autoPad === 'VALID' ? 0 : window.pads[i]!
    const after = window.autoPad === 'VALID' ? 0 : window.pads[rank + i]!
    const room = size + before + after - reach
    if (room < 0) throw mismatch(c, `a window of ${reach} does not fit into ${size} + ${before} + ${after}`)
    if (!ceil) return Math.floor(room / stride) + 1
    const count = Math.ceil(room / stride) + 1
    // A window that would start in the padding behind the input is dropped, as the runtime does.
    return (count - 1) * stride >= size + before ? count - 1 : count
  })
}

function checkRank(c: NodeContext, x: TensorType): void {
  if (x.dims.length < 3) throw mismatch(c, `input [${x.dims}] has no spatial axes`)
}

/** [N, C, ...spatial] * [M, C/group, ...kernel]; `weight` is the position of the kernel among the inputs. */
const convolution =
  (weight: number, result: (c: NodeContext) => TensorType['dtype']): ShapeRule =>
  (c) => {
    const x = typeAt(c, 0)
    checkRank(c, x)
    const w = dimsAt(c, weight)
    const group = intAttribute(c.node, 'group', 1)
    if (w.length !== x.dims.length) throw mismatch(c, `input [${x.dims}] and weight [${w}] differ in rank`)
    if (w[1]! * group !== x.dims[1] || w[0]! % group !== 0) {
      throw mismatch(c, `input [${x.dims}] and weight [${w}] with ${group} groups differ in channels`)
    }
    const window = windowOf(c, intsAttribute(c.node, 'kernel_shape', w.slice(2)), w.length - 2)
    return [{ dtype: result(c), dims: [x.dims[0]!, w[0]!, ...slide(c, x.dims.slice(2), window, false)] }]
  }

const dtypeAt = (index: number) => (c: NodeContext) => typeAt(c, index).dtype

const convTranspose: ShapeRule = (c) => {
  const x = typeAt(c, 0)
  checkRank(c, x)
  const w = dimsAt(c, 1)
  const rank = x.dims.length - 2
  if (w.length !== x.dims.length || w[0] !== x.dims[1]) {
    throw mismatch(c, `input [${x.dims}] and weight [${w}] differ in channels`)
  }
  const { kernel, strides, dilations, pads, autoPad } = windowOf(
    c,
    intsAttribute(c.node, 'kernel_shape', w.slice(2)),
    rank,
  )
  const extra = intsAttribute(c.node, 'output_padding', new Array<number>(rank).fill(0))
  const stated = intsAttribute(c.node, 'output_shape', []).slice(-rank)
  const sizes = x.dims.slice(2).map((size, i) => {
    if (stated.length === rank) return stated[i]!
    const full = (size - 1) * strides[i]! + (extra[i] ?? 0) + (kernel[i]! - 1) * dilations[i]! + 1
    if (autoPad.startsWith('SAME')) return Math.min(full, size * strides[i]!)
    return autoPad === 'VALID' ? full : full - pads[i]! - pads[rank + i]!
  })
  if (sizes.some((size) => size < 0)) throw mismatch(c, `the padding is larger than the result [${sizes}]`)
  return [like(c, 0, [x.dims[0]!, w[1]! * intAttribute(c.node, 'group', 1), ...sizes])]
}

/** Pooling; the second output of MaxPool holds the indices of the maxima. */
const pool: ShapeRule = (c) => {
  const x = typeAt(c, 0)
  checkRank(c, x)
  const window = windowOf(c, intsAttribute(c.node, 'kernel_shape', []), x.dims.length - 2)
  const sizes = slide(c, x.dims.slice(2), window, intAttribute(c.node, 'ceil_mode', 0) === 1)
  const dims = [...x.dims.slice(0, 2), ...sizes]
  return [like(c, 0, dims), { dtype: 'int64', dims }]
}

const globalPool: ShapeRule = (c) => [
  like(
    c,
    0,
    dimsAt(c, 0).map((dim, i) => (i < 2 ? dim : 1)),
  ),
]

/** Operators that slide a window over the spatial axes of [N, C, ...]. */
export const windowRules: ReadonlyMap<string, ShapeRule> = new Map([
  ['Conv', convolution(1, dtypeAt(0))],
  ['ConvInteger', convolution(1, () => 'int32')],
  ['QLinearConv', convolution(3, dtypeAt(7))],
  ['ConvTranspose', convTranspose],
  ['MaxPool', pool],
  ['AveragePool', pool],
  ['LpPool', pool],
  ['GlobalAveragePool', globalPool],
  ['GlobalMaxPool', globalPool],
  ['GlobalLpPool', globalPool],
])
