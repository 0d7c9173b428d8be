import { intAttribute } from '../graph.ts'
import { type ConstantTensor, elementCount, float32Values, integerValues } from '../tensor.ts'
import { axisOf, dimsAt, type NodeContext, type TensorType } from './context.ts'
import { shapeSlice, splitSizes } from './layout.ts'
import { sliceRanges } from './slice-ranges.ts'

/** Constants with more elements than this are weights: no shape depends on them. */
const largest = 4096

type Elements = readonly number[]

/** The elements of a small constant, or undefined when it is large or of a type that holds no sizes. */
export function smallElements(tensor: ConstantTensor): Elements | undefined {
  if (tensor.external || elementCount(tensor.dims) > largest) return undefined
  switch (tensor.dtype) {
    case 'int32':
    case 'int64':
      return integerValues(tensor)
    case 'float32':
      return Array.from(float32Values(tensor))
    case 'bool':
    case 'uint8':
      return Array.from(tensor.bytes)
    default:
      return undefined
  }
}

/** Gives the elements of each output, by position. */
type Fold = (c: NodeContext, inputs: readonly Elements[], out: readonly TensorType[]) => readonly Elements[]

const isFloat = (type: TensorType): boolean => type.dtype.startsWith('float')

/** Position in an operand of shape `from` for each element of the broadcast shape `to`. */
function spread(from: readonly number[], to: readonly number[], elements: Elements): Elements {
  if (elements.length === 1) return new Array<number>(elementCount(to)).fill(elements[0]!)
  if (from.length === to.length && from.every((dim, i) => dim === to[i])) return elements
  const shift = to.length - from.length
  return Array.from({ length: elementCount(to) }, (_, flat) => {
    let rest = flat
    let index = 0
    let stride = 1
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const at = rest % to[axis]!
      rest = Math.floor(rest / to[axis]!)
      const dim = from[axis - shift] ?? 1
      if (dim !== 1) index += at * stride
      stride *= dim
    }
    return elements[index]!
  })
}

const unary =
  (apply: (x: number) => number): Fold =>
  (_, [x]) => [x!.map(apply)]

const binary =
  (apply: (a: number, b: number, out: TensorType) => number): Fold =>
  (c, inputs, out) => {
    const operands = inputs.map((elements, i) => spread(dimsAt(c, i), out[0]!.dims, elements))
    return [
      operands.slice(1).reduce((sum, next) => sum.map((a, i) => apply(a, next[i]!, out[0]!)), operands[0]!),
    ]
  }

const test = (apply: (a: number, b: number) => boolean): Fold => binary((a, b) => Number(apply(a, b)))

const copy: Fold = (_, [x]) => [x!]

const cast: Fold = (_, [x], out) => {
  const [type] = out as [TensorType]
  if (type.dtype === 'bool') return [x!.map((value) => Number(value !== 0))]
  return [isFloat(type) ? x! : x!.map(Math.trunc)]
}

const where: Fold = (c, inputs, out) => {
  const [condition, yes, no] = inputs.map((elements, i) => spread(dimsAt(c, i), out[0]!.dims, elements))
  return [condition!.map((flag, i) => (flag ? yes![i]! : no![i]!))]
}

const gather: Fold = (c, [x, indices]) => {
  const dims = dimsAt(c, 0)
  const axis = axisOf(c, intAttribute(c.node, 'axis', 0), dims.length)
  const inner = elementCount(dims.slice(axis + 1))
  const size = dims[axis]!
  const result: number[] = []
  for (let outer = 0; outer < elementCount(dims.slice(0, axis)); outer++) {
    for (const index of indices!) {
      const at = (outer * size + (index < 0 ? index + size : index)) * inner
      for (let i = 0; i < inner; i++) result.push(x![at + i]!)
    }
  }
  return [result]
}

/** Joins along axis 0, which is all that lists of sizes need; other axes stay unknown. */
const concat: Fold = (c, inputs) =>
  axisOf(c, intAttribute(c.node, 'axis', 1), dimsAt(c, 0).length) === 0 ? [inputs.flat()] : []

const slice: Fold = (c, [x]) => {
  const dims = dimsAt(c, 0)
  if (dims.length !== 1) return []
  const [range] = sliceRanges(c, dims)
  return range ? [Array.from({ length: range.count }, (_, i) => x![range.start + i * range.step]!)] : [x!]
}

const split: Fold = (c, [x]) => {
  const dims = dimsAt(c, 0)
  if (dims.length !== 1) return []
  let from = 0
  return splitSizes(c, dims[0]!).map((size) => {
    from += size
    return x!.slice(from - size, from)
  })
}

const constantOfShape: Fold = (c, _, out) => {
  const value = c.node.attributes.value
  const elements = value?.type === 'tensor' ? smallElements(value.value) : [0]
  return elements ? [new Array<number>(elementCount(out[0]!.dims)).fill(elements[0]!)] : []
}

const range: Fold = (_, [start, , delta], out) => [
  Array.from({ length: out[0]!.dims[0]! }, (_, i) => start![0]! + i * delta![0]!),
]

/** Reductions to one number. */
const reduceAll =
  (apply: (a: number, b: number) => number): Fold =>
  (_, [x], out) =>
    elementCount(out[0]!.dims) === 1 && x!.length > 0 ? [[x!.reduce((a, b) => apply(a, b))]] : []

/** Round half to even, as ONNX does. */
function roundEven(x: number): number {
  const rounded = Math.round(x)
  return Math.abs(x % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

const folds: ReadonlyMap<string, Fold> = new Map<string, Fold>([
  ['Identity', copy],
  ['Reshape', copy],
  ['Flatten', copy],
  ['Squeeze', copy],
  ['Unsqueeze', copy],
  ['Dropout', copy],
  ['Cast', cast],
  ['CastLike', cast],
  ['Size', (c) => [[elementCount(dimsAt(c, 0))]]],
  ['Shape', (c) => [shapeSlice(c)]],
  ['Gather', gather],
  ['Concat', concat],
  ['Slice', slice],
  ['Split', split],
  ['Expand', (c, [x], out) => [spread(dimsAt(c, 0), out[0]!.dims, x!)]],
  ['ConstantOfShape', constantOfShape],
  ['Range', range],
  ['Where', where],
  ['Add', binary((a, b) => a + b)],
  ['Sub', binary((a, b) => a - b)],
  ['Mul', binary((a, b) => a * b)],
  ['Div', binary((a, b, out) => (isFloat(out) ? a / b : Math.trunc(a / b)))],
  ['Mod', binary((a, b, out) => (isFloat(out) ? a % b : ((a % b) + b) % b))],
  ['Pow', binary((a, b) => a ** b)],
  ['Min', binary((a, b) => Math.min(a, b))],
  ['Max', binary((a, b) => Math.max(a, b))],
  ['Equal', test((a, b) => a === b)],
  ['Less', test((a, b) => a < b)],
  ['LessOrEqual', test((a, b) => a <= b)],
  ['Greater', test((a, b) => a > b)],
  ['GreaterOrEqual', test((a, b) => a >= b)],
  ['And', test((a, b) => Boolean(a && b))],
  ['Or', test((a, b) => Boolean(a || b))],
  ['Not', unary((x) => Number(!x))],
  ['Neg', unary((x) => -x)],
  ['Abs', unary(Math.abs)],
  ['Sign', unary(Math.sign)],
  ['Floor', unary(Math.floor)],
  ['Ceil', unary(Math.ceil)],
  ['Round', unary(roundEven)],
  ['Sqrt', unary(Math.sqrt)],
  ['ReduceProd', reduceAll((a, b) => a * b)],
  ['ReduceSum', reduceAll((a, b) => a + b)],
  ['ReduceMax', reduceAll(Math.max)],
  ['ReduceMin', reduceAll(Math.min)],
])

/** Shape and Size look at the shape of their input, not at its elements. */
const needNoElements = new Set(['Shape', 'Size', 'ConstantOfShape'])

function constantElements(c: NodeContext): readonly Elements[] {
  const { value, value_int, value_float, value_ints, value_floats } = c.node.attributes
  if (value?.type === 'tensor') {
    const elements = smallElements(value.value)
    return elements ? [elements] : []
  }
  const single =
    value_int?.type === 'int' ? value_int : value_float?.type === 'float' ? value_float : undefined
  if (single) return [[single.value]]
  if (value_ints?.type === 'ints') return [value_ints.value]
  return value_floats?.type === 'floats' ? [value_floats.value] : []
}

/**
 * The elements of a node's outputs, as far as they follow from known elements and from shapes: this is how
 * exported graphs compute the shape of a Reshape. An empty list when nothing is known.
 */
export function foldNode(c: NodeContext, out: readonly TensorType[]): readonly Elements[] {
  if (c.node.domain !== '' || out.some((type) => elementCount(type.dims) > largest)) return []
  if (c.node.op === 'Constant') return constantElements(c)
  const fold = folds.get(c.node.op)
  if (!fold) return []
  const inputs = c.known.filter(
    (elements, i) => c.types[i] !== undefined && elements !== undefined,
  ) as Elements[]
  const given = c.types.filter((type) => type !== undefined).length
  if (inputs.length !== given && !needNoElements.has(c.node.op)) return []
  return fold(c, inputs, out)
}
