import { elementCount, intAttribute, intsAttribute, stringAttribute } from '../../onnx/index.ts'
import { type GradientRule, positiveAxis, type Tape } from '../tape.ts'

/** The elements stay, the shape changes: the gradient takes the old shape. */
const reshaped: GradientRule = (tape, node, [dy]) => {
  const x = node.inputs[0]
  return dy === undefined || !tape.needs(x) ? [] : [tape.reshape(dy, tape.dims(x))]
}

const transpose: GradientRule = (tape, node, [dy]) => {
  const x = node.inputs[0]
  if (dy === undefined || !tape.needs(x)) return []
  const rank = tape.dims(x).length
  const perm = intsAttribute(
    node,
    'perm',
    Array.from({ length: rank }, (_, axis) => rank - 1 - axis),
  )
  const inverse = perm.map((_, axis) => perm.indexOf(axis))
  return [tape.transpose(dy, inverse)]
}

const expand: GradientRule = (tape, node, [dy]) => {
  const x = node.inputs[0]
  if (dy === undefined || !tape.needs(x)) return []
  return [tape.unbroadcast(dy, tape.dims(node.outputs[0] as string), tape.dims(x))]
}

const concat: GradientRule = (tape, node, [dy]) => {
  if (dy === undefined) return []
  const axis = positiveAxis(intAttribute(node, 'axis', 0), tape.dims(node.outputs[0] as string).length)
  let start = 0
  return node.inputs.map((input) => {
    const end = start + tape.dims(input)[axis]!
    const gradient = tape.needs(input) ? tape.slice(dy, [start], [end], [axis]) : undefined
    start = end
    return gradient
  })
}

const split: GradientRule = (tape, node, gradients) => {
  const x = node.inputs[0]
  if (!tape.needs(x) || gradients.every((gradient) => gradient === undefined)) return []
  const parts = node.outputs.map(
    (output, index) => gradients[index] ?? tape.expand(tape.scalar(0), tape.dims(output)),
  )
  return [tape.op('Concat', parts, { axis: intAttribute(node, 'axis', 0) })]
}

interface AxisSlice {
  axis: number
  start: number
  step: number
  count: number
}

/** Undoes one sliced axis: spreads the elements `step` apart and puts zeros where nothing was taken. */
function unslice(tape: Tape, dy: string, dims: readonly number[], slice: AxisSlice, size: number): string {
  const { axis, count } = slice
  let { start, step } = slice
  let value = dy
  if (step < 0) {
    value = tape.slice(value, [-1], [-1 - count], [axis], [-1])
    start += (count - 1) * step
    step = -step
  }
  let covered = count
  if (step > 1) {
    const split = [...dims.slice(0, axis), count, 1, ...dims.slice(axis + 1)]
    const pads = split.map(() => 0)
    const ends = split.map((_, at) => (at === axis + 1 ? step - 1 : 0))
    const spread = tape.pad(tape.reshape(value, split), [...pads, ...ends])
    covered = count * step
    value = tape.reshape(spread, [...dims.slice(0, axis), covered, ...dims.slice(axis + 1)])
  }
  const begins = dims.map((_, at) => (at === axis ? start : 0))
  const ends = dims.map((_, at) => (at === axis ? size - start - covered : 0))
  return tape.pad(value, [...begins, ...ends])
}

const slice: GradientRule = (tape, node, [dy]) => {
  const x = node.inputs[0]
  if (dy === undefined || !tape.needs(x)) return []
  const input = tape.dims(x)
  const output = tape.dims(node.outputs[0] as string)
  if (elementCount(output) === 0) return [tape.expand(tape.scalar(0), input)]
  const starts = tape.constantInts(node, 'starts', 1) ?? []
  const axes = (tape.constantInts(node, 'axes', 3) ?? starts.map((_, index) => index)).map((axis) =>
    positiveAxis(axis, input.length),
  )
  const steps = tape.constantInts(node, 'steps', 4) ?? starts.map(() => 1)
  let gradient = dy
  const dims = [...output]
  axes.forEach((axis, index) => {
    const size = input[axis]!
    const step = steps[index]!
    const wanted = starts[index]! < 0 ? starts[index]! + size : starts[index]!
    const start = Math.max(0, Math.min(step < 0 ? size - 1 : size, wanted))
    gradient = unslice(tape, gradient, dims, { axis, start, step, count: output[axis]! }, size)
    dims[axis] = size
  })
  return [gradient]
}

const pad: GradientRule = (tape, node, [dy]) => {
  const x = node.inputs[0]
  if (dy === undefined || !tape.needs(x)) return []
  const mode = stringAttribute(node, 'mode', 'constant')
  if (mode !== 'constant')
    throw tape.unsupported(node, `padding mode "${mode}" is not supported, only "constant"`)
  const pads = tape.constantInts(node, 'pads', 1) ?? []
  const rank = tape.dims(x).length
  const axes = node.inputs[3] ? (tape.constantInts(node, 'axes', 3) ?? []) : undefined
  const full = Array<number>(2 * rank).fill(0)
  const count = pads.length / 2
  for (let index = 0; index < count; index++) {
    const axis = axes ? positiveAxis(axes[index]!, rank) : index
    full[axis] = -pads[index]!
    full[axis + rank] = -pads[index + count]!
  }
  return [tape.pad(dy, full)]
}

/** Gradient rules of operators that move elements without changing them. */
export const shapeRules: Record<string, GradientRule> = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: transpose,
  Expand: expand,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
}
