import { intAttribute, intsAttribute, type Node, stringAttribute } from '../../onnx/index.ts'
import { type Dense, dense, tabulate } from './dense.ts'
import { plain, type ReferenceRule } from './rule.ts'

/** A window that slides over rows and columns: sizes of the result, and where each tap looks. */
interface Sliding {
  readonly kernel: readonly number[]
  readonly sizes: readonly number[]
  /** The place in the input that tap `tap` of window `window` looks at along an axis; may lie in the padding. */
  place(axis: number, window: number, tap: number): number
}

function sliding(node: Node, input: readonly number[], kernel: readonly number[]): Sliding {
  const strides = intsAttribute(node, 'strides', [1, 1])
  const dilations = intsAttribute(node, 'dilations', [1, 1])
  const pads = [...intsAttribute(node, 'pads', [0, 0, 0, 0])]
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET')
  const reach = kernel.map((size, axis) => (size - 1) * dilations[axis]! + 1)
  const sizes = [0, 1].map((axis) => {
    const size = input[axis + 2]!
    if (autoPad.startsWith('SAME')) {
      const count = Math.ceil(size / strides[axis]!)
      const total = Math.max(0, (count - 1) * strides[axis]! + reach[axis]! - size)
      pads[axis] = autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)
      return count
    }
    const room = size + pads[axis]! + pads[axis + 2]! - reach[axis]!
    if (intAttribute(node, 'ceil_mode', 0) === 0) return Math.floor(room / strides[axis]!) + 1
    const count = Math.ceil(room / strides[axis]!) + 1
    return (count - 1) * strides[axis]! >= size + pads[axis]! ? count - 1 : count
  })
  return {
    kernel,
    sizes,
    place: (axis, window, tap) => window * strides[axis]! + tap * dilations[axis]! - pads[axis]!,
  }
}

const offset = ({ dims }: Dense, n: number, c: number, row: number, column: number): number =>
  ((n * dims[1]! + c) * dims[2]! + row) * dims[3]! + column

/** Calls `visit` for each tap of a window that looks at a place inside the input. */
function eachTap(
  { kernel, place }: Sliding,
  input: readonly number[],
  row: number,
  column: number,
  visit: (inputRow: number, inputColumn: number, kernelRow: number, kernelColumn: number) => void,
): void {
  for (let kernelRow = 0; kernelRow < kernel[0]!; kernelRow++) {
    const inputRow = place(0, row, kernelRow)
    if (inputRow < 0 || inputRow >= input[2]!) continue
    for (let kernelColumn = 0; kernelColumn < kernel[1]!; kernelColumn++) {
      const inputColumn = place(1, column, kernelColumn)
      if (inputColumn < 0 || inputColumn >= input[3]!) continue
      visit(inputRow, inputColumn, kernelRow, kernelColumn)
    }
  }
}

const conv: ReferenceRule = (node, inputs) => {
  const [x, weights, bias] = inputs as [Dense, Dense, Dense | undefined]
  const [outputs, perGroup] = weights.dims as [number, number]
  const perGroupOutputs = outputs / intAttribute(node, 'group', 1)
  const window = sliding(node, x.dims, weights.dims.slice(2))
  return [
    tabulate([x.dims[0]!, outputs, ...window.sizes], (index) => {
      const [n, output, row, column] = index as [number, number, number, number]
      const first = Math.floor(output / perGroupOutputs) * perGroup
      let sum = bias ? bias.data[output]! : 0
      eachTap(window, x.dims, row, column, (inputRow, inputColumn, kernelRow, kernelColumn) => {
        for (let channel = 0; channel < perGroup; channel++) {
          sum +=
            x.data[offset(x, n, first + channel, inputRow, inputColumn)]! *
            weights.data[offset(weights, output, channel, kernelRow, kernelColumn)]!
        }
      })
      return sum
    }),
  ]
}

/** Every input element adds its kernel to the result, `stride` apart; pads are cut off the borders. */
const convTranspose: ReferenceRule = (node, inputs) => {
  const [x, weights, bias] = inputs as [Dense, Dense, Dense | undefined]
  const [batch, channels, rows, columns] = x.dims as [number, number, number, number]
  const [, perGroup, ...kernel] = weights.dims as [number, number, number, number]
  const groups = intAttribute(node, 'group', 1)
  const strides = intsAttribute(node, 'strides', [1, 1])
  const dilations = intsAttribute(node, 'dilations', [1, 1])
  const pads = intsAttribute(node, 'pads', [0, 0, 0, 0])
  const extra = intsAttribute(node, 'output_padding', [0, 0])
  const sizes = [rows, columns].map(
    (size, axis) =>
      (size - 1) * strides[axis]! +
      (kernel[axis]! - 1) * dilations[axis]! +
      1 +
      extra[axis]! -
      pads[axis]! -
      pads[axis + 2]!,
  )
  const y = tabulate([batch, perGroup * groups, ...sizes], (index) => (bias ? bias.data[index[1]!]! : 0))
  tabulate(x.dims, (index, position) => {
    const [n, channel, row, column] = index as [number, number, number, number]
    const first = Math.floor(channel / (channels / groups)) * perGroup
    for (let output = 0; output < perGroup; output++) {
      for (let kernelRow = 0; kernelRow < kernel[0]!; kernelRow++) {
        const outputRow = row * strides[0]! + kernelRow * dilations[0]! - pads[0]!
        if (outputRow < 0 || outputRow >= sizes[0]!) continue
        for (let kernelColumn = 0; kernelColumn < kernel[1]!; kernelColumn++) {
          const outputColumn = column * strides[1]! + kernelColumn * dilations[1]! - pads[1]!
          if (outputColumn < 0 || outputColumn >= sizes[1]!) continue
          y.data[offset(y, n, first + output, outputRow, outputColumn)]! +=
            x.data[position]! * weights.data[offset(weights, channel, output, kernelRow, kernelColumn)]!
        }
      }
    }
    return 0
  })
  return [y]
}

const pool = (reduce: (values: readonly number[], node: Node, kernel: readonly number[]) => number) =>
  plain((node, x) => {
    const window = sliding(node, x.dims, intsAttribute(node, 'kernel_shape', []))
    return tabulate([...x.dims.slice(0, 2), ...window.sizes], (index) => {
      const [n, channel, row, column] = index as [number, number, number, number]
      const values: number[] = []
      eachTap(window, x.dims, row, column, (inputRow, inputColumn) => {
        values.push(x.data[offset(x, n, channel, inputRow, inputColumn)]!)
      })
      return reduce(values, node, window.kernel)
    })
  })

const average = (values: readonly number[], node: Node, [rows, columns]: readonly number[]): number => {
  const count = intAttribute(node, 'count_include_pad', 0) === 1 ? rows! * columns! : values.length
  return values.reduce((sum, value) => sum + value, 0) / count
}

const globalAverage = plain((_, x) => {
  const [batch, channels, ...spatial] = x.dims as [number, number, ...number[]]
  const inner = spatial.reduce((product, dim) => product * dim, 1)
  const y = dense([batch, channels, ...spatial.map(() => 1)])
  x.data.forEach((value, position) => {
    y.data[Math.floor(position / inner)]! += value / inner
  })
  return y
})

/** Convolutions and pooling layers over [N,C,H,W], as the ONNX specification defines them. */
export const windowReference: Record<string, ReferenceRule> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool((values) => Math.max(...values)),
  AveragePool: pool(average),
  GlobalAveragePool: globalAverage,
}
