import { float32Tensor } from '../onnx/index.ts'
import type { Window } from './rules/window.ts'
import type { Tape } from './tape.ts'

/** A value [N,C,H,W] of the graph. */
interface Images {
  readonly value: string
  readonly dims: readonly number[]
}

/**
 * Gradient by the kernel [C,1,kh,kw] of a depthwise convolution from its input and the gradient of its output, by matrix products. For
 * each row of the kernel the rows of both that meet are laid one below the other, for each channel: their product [Wo,W] holds
 * every pair of columns, and a constant matrix adds up those that a tap joins. Of every W/kw products one is of use; that is still less
 * work than what a sum of products reads and writes, up to images some dozens of columns wide.
 */
export function depthwiseGradientByProducts(
  tape: Tape,
  input: Images,
  gradient: Images,
  window: Window,
): string {
  const [batch, channels, height, width] = input.dims as [number, number, number, number]
  const [, , rows, columns] = gradient.dims as [number, number, number, number]
  const [kernelRows, kernelColumns] = window.kernel as [number, number]
  const seen = tape.transpose(input.value, [1, 2, 0, 3])
  const told = tape.transpose(gradient.value, [1, 2, 0, 3])
  const stacked = (value: string, from: number, count: number, step: number, size: number) => {
    const end = from + (count - 1) * step + 1
    return tape.reshape(tape.slice(value, [from], [end], [1], [step]), [channels, count * batch, size])
  }
  const byRow = Array.from({ length: kernelRows }, (_, tap) => {
    const { first, count } = meeting(window, 0, tap, rows, height)
    if (count === 0) return zeros(tape, [channels, 1, columns * width])
    const from = first * window.strides[0]! + tap * window.dilations[0]! - window.before[0]!
    const below = stacked(seen, from, count, window.strides[0]!, width)
    const above = tape.transpose(stacked(told, first, count, 1, columns), [0, 2, 1])
    return tape.reshape(tape.op('MatMul', [above, below]), [channels, 1, columns * width])
  })
  const pairs = byRow.length > 1 ? tape.op('Concat', byRow, { axis: 1 }) : byRow[0]!
  const joined = tape.builder.constant(joinedColumns(window, columns, width))
  return tape.reshape(tape.op('MatMul', [pairs, joined]), [channels, 1, kernelRows, kernelColumns])
}

/** The outputs along an axis, first and count, for which a tap of the kernel lies in the image and not beside it. */
function meeting(window: Window, axis: 0 | 1, tap: number, outputs: number, inputs: number) {
  const [stride, offset] = [window.strides[axis]!, tap * window.dilations[axis]! - window.before[axis]!]
  const first = Math.max(0, Math.ceil(-offset / stride))
  const last = Math.min(outputs - 1, Math.floor((inputs - 1 - offset) / stride))
  return { first, count: Math.max(0, last - first + 1) }
}

/** [columns·width, kw]: 1 where a tap joins an output's column with an input's. */
function joinedColumns(window: Window, columns: number, width: number) {
  const taps = window.kernel[1]!
  const joined = new Float32Array(columns * width * taps)
  for (let tap = 0; tap < taps; tap++) {
    const { first, count } = meeting(window, 1, tap, columns, width)
    for (let column = first; column < first + count; column++) {
      const seen = column * window.strides[1]! + tap * window.dilations[1]! - window.before[1]!
      joined[(column * width + seen) * taps + tap] = 1
    }
  }
  return float32Tensor(joined, [columns * width, taps])
}

const zeros = (tape: Tape, dims: readonly number[]): string =>
  tape.builder.constant(
    float32Tensor(new Float32Array(dims.reduce((product, dim) => product * dim, 1)), dims),
  )
