import { type ConstantTensor, intsAttribute, type Node, stringAttribute } from '../../onnx/index.ts'
import type { Tape } from '../tape.ts'

/** The geometry of a sliding window over two spatial axes. */
export interface Window {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  /** Zeros before and after each spatial axis; `after` may be negative when the last rows are never read. */
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** Reads the window of a convolution or pooling node from its attributes. Only two spatial axes are supported. */
export function windowOf(
  tape: Tape,
  node: Node,
  kernel: readonly number[],
  input: readonly number[],
  output: readonly number[],
): Window {
  if (input.length !== 4)
    throw tape.unsupported(node, `it works on rank ${input.length}; only [N,C,H,W] is supported`)
  const strides = intsAttribute(node, 'strides', [1, 1])
  const dilations = intsAttribute(node, 'dilations', [1, 1])
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0])
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET')
  const before = [0, 1].map((axis) => {
    if (autoPad === 'NOTSET') return pads[axis]!
    if (autoPad === 'VALID') return 0
    const total = Math.max(0, span(kernel, strides, dilations, output, axis) - input[axis + 2]!)
    return autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)
  })
  const after = [0, 1].map(
    (axis) => span(kernel, strides, dilations, output, axis) - input[axis + 2]! - before[axis]!,
  )
  return { kernel, strides, dilations, before, after }
}

/** Rows (or columns) of padded input that the windows reach over. */
const span = (
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
  output: readonly number[],
  axis: number,
): number => (output[axis + 2]! - 1) * strides[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1

/** Pads [N,C,H,W] (or [C,N,H,W]) so that every window lies inside, cropping what no window reads. */
export const padForWindow = (tape: Tape, value: string, window: Window): string =>
  tape.pad(value, [0, 0, ...window.before, 0, 0, ...window.after])

/** For each tap of the kernel, the padded input as that tap sees it: [·,·,Ho,Wo] each, rows of the kernel first. */
export function taps(tape: Tape, padded: string, window: Window, output: readonly number[]): string[] {
  const { kernel, strides, dilations } = window
  const result: string[] = []
  for (let row = 0; row < kernel[0]!; row++) {
    for (let column = 0; column < kernel[1]!; column++) {
      const starts = [row * dilations[0]!, column * dilations[1]!]
      const ends = starts.map((start, axis) => start + (output[axis + 2]! - 1) * strides[axis]! + 1)
      result.push(tape.slice(padded, starts, ends, [2, 3], strides))
    }
  }
  return result
}

/**
 * What each window sees of [N,C,H,W], a row per output position: [N·Ho·Wo, taps·C], the channels of a tap side by side.
 * With groups, each group on its own: [g, N·Ho·Wo, taps·C/g]. Channels come last first, so that one Gather copies
 * whole runs of them; slices by tap took up to 2.2 times as long (measured, ONNX Runtime 1.30).
 */
export function patches(
  tape: Tape,
  value: string,
  dims: readonly number[],
  window: Window,
  output: readonly number[],
  groups: number,
): string {
  const [batch, channels, height, width] = dims as [number, number, number, number]
  const { kernel, before, after } = window
  const perGroup = channels / groups
  const last =
    groups === 1
      ? tape.transpose(value, [0, 2, 3, 1])
      : tape.reshape(
          tape.transpose(tape.reshape(value, [batch, groups, perGroup, height, width]), [1, 0, 3, 4, 2]),
          [groups * batch, height, width, perGroup],
        )
  const padded = tape.pad(last, [0, ...before, 0, 0, ...after, 0])
  const [paddedRows, paddedColumns] = [0, 1].map(
    (axis) => dims[axis + 2]! + before[axis]! + after[axis]!,
  ) as [number, number]
  const places = placesSeen(window, output, paddedColumns)
  const flat = tape.reshape(padded, [groups * batch, paddedRows * paddedColumns, perGroup])
  const seen = tape.op('Gather', [flat, tape.builder.constant(places)], { axis: 1 })
  const positions = batch * output[2]! * output[3]!
  return tape.reshape(seen, [
    ...(groups === 1 ? [] : [groups]),
    positions,
    kernel[0]! * kernel[1]! * perGroup,
  ])
}

/** For each output position, row by row, and each tap of the kernel, row by row: where it looks in the padded input. */
function placesSeen(window: Window, output: readonly number[], paddedColumns: number): ConstantTensor {
  const { kernel, strides, dilations } = window
  const [rows, columns] = [output[2]!, output[3]!]
  const [kernelRows, kernelColumns] = kernel as [number, number]
  const places = new Int32Array(rows * columns * kernelRows * kernelColumns)
  let at = 0
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let tapRow = 0; tapRow < kernelRows; tapRow++) {
        for (let tapColumn = 0; tapColumn < kernelColumns; tapColumn++) {
          const y = row * strides[0]! + tapRow * dilations[0]!
          places[at++] = y * paddedColumns + column * strides[1]! + tapColumn * dilations[1]!
        }
      }
    }
  }
  return { dtype: 'int32', dims: [places.length], bytes: new Uint8Array(places.buffer) }
}
