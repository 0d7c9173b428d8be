import { intAttribute, intsAttribute, type Node } from '../../onnx/index.ts'
import { elementCount, type GradientRule, type Tape } from '../tape.ts'
import { type Window, windowOf } from './window.ts'

const poolWindow = (tape: Tape, node: Node): Window => {
  const kernel = intsAttribute(node, 'kernel_shape', [])
  const [input, output] = [tape.dims(node.inputs[0] as string), tape.dims(node.outputs[0] as string)]
  return windowOf(tape, node, kernel, input, output)
}

/** Whether the windows are tiles: side by side, no padding, nothing dilated. */
const tiles = ({ kernel, strides, dilations, before }: Window): boolean =>
  kernel.every((size, axis) => size === strides[axis]) &&
  dilations.every((dilation) => dilation === 1) &&
  before.every((pad) => pad === 0)

/** Repeats each element over its tile: [N,C,Ho,Wo] → [N,C,Ho·kh,Wo·kw]. */
function repeatOverTiles(tape: Tape, value: string, window: Window): string {
  const [rows, columns] = window.kernel as [number, number]
  const scales = tape.builder.constant({
    dtype: 'float32',
    dims: [4],
    bytes: new Uint8Array(Float32Array.of(1, 1, rows, columns).buffer),
  })
  return tape.op('Resize', [value, '', scales], {
    mode: 'nearest',
    nearest_mode: 'floor',
    coordinate_transformation_mode: 'asymmetric',
  })
}

/** Rows and columns of the input that lie beyond the last tile. */
const remainder = (window: Window, input: readonly number[], output: readonly number[]): number[] =>
  window.kernel.map((size, axis) => input[axis + 2]! - output[axis + 2]! * size)

/** Zeros for the rows and columns that no tile covers. */
const padRemainder = (tape: Tape, value: string, rest: readonly number[]): string =>
  tape.pad(value, [0, 0, 0, 0, 0, 0, ...rest])

const averagePool: GradientRule = (tape, node, [dy]) => {
  const x = node.inputs[0]
  if (dy === undefined || !tape.needs(x)) return []
  if (intAttribute(node, 'ceil_mode', 0) === 1) throw tape.unsupported(node, 'ceil_mode is not supported')
  const [input, output] = [tape.dims(x), tape.dims(node.outputs[0] as string)]
  const window = poolWindow(tape, node)
  const size = elementCount(window.kernel)
  const countPadding = intAttribute(node, 'count_include_pad', 0) === 1
  if (tiles(window) && (countPadding || window.after.every((pad) => pad <= 0))) {
    const repeated = repeatOverTiles(tape, tape.scale(dy, 1 / size), window)
    return [padRemainder(tape, repeated, remainder(window, input, output))]
  }
  const shared = countPadding
    ? tape.scale(dy, 1 / size)
    : tape.mul(dy, inverseCounts(tape, window, input, output))
  const channels = input[1]!
  const ones = tape.builder.constant({
    dtype: 'float32',
    dims: [channels, 1, ...window.kernel],
    bytes: new Uint8Array(new Float32Array(channels * size).fill(1).buffer),
  })
  const { strides, dilations, before } = window
  const full = tape.op('ConvTranspose', [shared, ones], { strides, dilations, group: channels })
  const made = [0, 1].map(
    (axis) => (output[axis + 2]! - 1) * strides[axis]! + (window.kernel[axis]! - 1) * dilations[axis]! + 1,
  )
  const ends = made.map((rows, axis) => input[axis + 2]! + before[axis]! - rows)
  return [tape.pad(full, [0, 0, ...before.map((pad) => -pad), 0, 0, ...ends])]
}

/** 1 / (elements of each window that lie inside the image), [1,1,Ho,Wo]. */
function inverseCounts(
  tape: Tape,
  window: Window,
  input: readonly number[],
  output: readonly number[],
): string {
  const along = (axis: number): number[] =>
    Array.from({ length: output[axis + 2]! }, (_, position) => {
      let inside = 0
      for (let tap = 0; tap < window.kernel[axis]!; tap++) {
        const at = position * window.strides[axis]! + tap * window.dilations[axis]! - window.before[axis]!
        if (at >= 0 && at < input[axis + 2]!) inside++
      }
      return inside
    })
  const [rows, columns] = [along(0), along(1)]
  const values = Float32Array.from(rows.flatMap((row) => columns.map((column) => 1 / (row * column))))
  return tape.builder.constant({
    dtype: 'float32',
    dims: [1, 1, rows.length, columns.length],
    bytes: new Uint8Array(values.buffer),
  })
}

/**
 * The gradient goes to the largest element of each window. Tiles are found again by comparing, which is twice as
 * fast as ONNX Runtime's indices (every tied maximum then gets the gradient); other windows scatter by index.
 */
const maxPool: GradientRule = (tape, node, [dy]) => {
  const x = node.inputs[0]
  if (dy === undefined || !tape.needs(x)) return []
  const [input, output] = [tape.dims(x), tape.dims(node.outputs[0] as string)]
  const window = poolWindow(tape, node)
  if (tiles(window) && window.after.every((pad) => pad <= 0)) {
    const rest = remainder(window, input, output)
    const covered = rest.map((rows, axis) => input[axis + 2]! - rows)
    const inTiles = rest.every((rows) => rows === 0) ? x : tape.slice(x, [0, 0], covered, [2, 3])
    const largest = repeatOverTiles(tape, node.outputs[0] as string, window)
    const isLargest = tape.step(tape.sub(inTiles, largest), 1)
    return [padRemainder(tape, tape.mul(repeatOverTiles(tape, dy, window), isLargest), rest)]
  }
  if (tape.opset < 16) {
    throw tape.unsupported(
      node,
      'windows that overlap or are padded need operator set 16 (ScatterElements that adds); export it with a newer one',
    )
  }
  const [, indices] = tape.builder.ops('MaxPool', [x], { ...node.attributes, storage_order: 0 }, [
    tape.builder.fresh('pooled'),
    tape.builder.fresh('indices'),
  ])
  const zeros = tape.expand(tape.scalar(0), [elementCount(input)])
  const scattered = tape.op(
    'ScatterElements',
    [zeros, tape.reshape(indices!, [-1]), tape.reshape(dy, [-1])],
    { axis: 0, reduction: 'add' },
  )
  return [tape.reshape(scattered, input)]
}

const globalAveragePool: GradientRule = (tape, node, [dy]) => {
  const x = node.inputs[0]
  if (dy === undefined || !tape.needs(x)) return []
  const dims = tape.dims(x)
  return [tape.expand(tape.scale(dy, 1 / elementCount(dims.slice(2))), dims)]
}

/** Gradient rules of pooling layers over [N,C,H,W]. */
export const poolingRules: Record<string, GradientRule> = {
  AveragePool: averagePool,
  MaxPool: maxPool,
  GlobalAveragePool: globalAveragePool,
}
