import { intsAttribute, type Node, stringAttribute } from '../../onnx/index.ts'
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
