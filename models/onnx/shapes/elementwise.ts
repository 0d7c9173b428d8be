import { type DType, dtypeOf } from '../dtype.ts'
import { describeNode, intAttribute } from '../graph.ts'
import { broadcast, dimsAt, hasInput, mismatch, type ShapeRule, type TensorType, typeAt } from './context.ts'

/** Result like the first input. */
export const same: ShapeRule = (c) => [typeAt(c, 0)]

const sameAs =
  (dtype: DType): ShapeRule =>
  (c) => [{ dtype, dims: dimsAt(c, 0) }]

const allDims = (types: readonly (TensorType | undefined)[]): (readonly number[])[] =>
  types.flatMap((type) => (type ? [type.dims] : []))

/** Before opset 7 broadcasting was one-sided: the second operand is laid along `axis` of the first. */
const legacyBroadcast = (c: Parameters<ShapeRule>[0]): boolean => c.opset < 7 && c.node.domain === ''

const broadcasting: ShapeRule = (c) => {
  if (legacyBroadcast(c)) return [typeAt(c, 0)]
  return [{ dtype: typeAt(c, 0).dtype, dims: broadcast(c, allDims(c.types)) }]
}

const comparing: ShapeRule = (c) => {
  if (legacyBroadcast(c)) return [{ dtype: 'bool', dims: dimsAt(c, 0) }]
  return [{ dtype: 'bool', dims: broadcast(c, allDims(c.types)) }]
}

const where: ShapeRule = (c) => [{ dtype: typeAt(c, 1).dtype, dims: broadcast(c, allDims(c.types)) }]

const cast: ShapeRule = (c) => [
  { dtype: dtypeOf(intAttribute(c.node, 'to', 0), describeNode(c.node)), dims: dimsAt(c, 0) },
]

const castLike: ShapeRule = (c) => [{ dtype: typeAt(c, 1).dtype, dims: dimsAt(c, 0) }]

const dropout: ShapeRule = (c) => [
  typeAt(c, 0),
  { dtype: c.opset < 10 ? typeAt(c, 0).dtype : 'bool', dims: dimsAt(c, 0) },
]

/** Outputs: y, then one or two pairs of statistics per channel (running, and before opset 9 saved). */
const batchNormalization: ShapeRule = (c) => {
  const x = typeAt(c, 0)
  const mean = typeAt(c, 3)
  const channels = x.dims.length > 1 ? x.dims[1] : 1
  for (const [index, name] of [
    [1, 'scale'],
    [2, 'bias'],
    [3, 'mean'],
    [4, 'variance'],
  ] as const) {
    if (dimsAt(c, index).length !== 1 || dimsAt(c, index)[0] !== channels) {
      throw mismatch(c, `${name} has shape [${dimsAt(c, index)}] where the input has ${channels} channels`)
    }
  }
  return [x, mean, mean, mean, mean]
}

/** Outputs: y, mean and inverse deviation with the normalised axes kept as 1. */
const layerNormalization: ShapeRule = (c) => {
  const x = typeAt(c, 0)
  const axis = intAttribute(c.node, 'axis', -1)
  const from = axis < 0 ? axis + x.dims.length : axis
  const statistics: TensorType = { dtype: 'float32', dims: x.dims.map((dim, i) => (i < from ? dim : 1)) }
  return [x, statistics, statistics]
}

const quantize: ShapeRule = (c) => {
  const stated = intAttribute(c.node, 'output_dtype', 0)
  const dtype = hasInput(c, 2)
    ? typeAt(c, 2).dtype
    : stated > 0
      ? dtypeOf(stated, describeNode(c.node))
      : 'uint8'
  return [{ dtype, dims: dimsAt(c, 0) }]
}

const dequantize: ShapeRule = (c) => [{ dtype: typeAt(c, 1).dtype, dims: dimsAt(c, 0) }]

const dynamicQuantize: ShapeRule = (c) => [
  { dtype: 'uint8', dims: dimsAt(c, 0) },
  { dtype: 'float32', dims: [] },
  { dtype: 'uint8', dims: [] },
]

const rows = (rule: ShapeRule, names: string): [string, ShapeRule][] =>
  names.split(' ').map((name) => [name, rule])

/** Operators that work element by element, or whose result has the shape of their first input. */
export const elementwiseRules: ReadonlyMap<string, ShapeRule> = new Map([
  ...rows(
    same,
    'Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Clip Cos Cosh CumSum Elu Erf Exp Floor Gelu ' +
      'HardSigmoid HardSwish Hardmax Identity LeakyRelu Log LogSoftmax LRN LpNormalization Mish Neg Reciprocal ' +
      'Relu Round ScaledTanh Scatter ScatterElements ScatterND Selu Shrink Sigmoid Sign Sin Sinh Softmax ' +
      'Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu Trilu InstanceNormalization GroupNormalization ' +
      'MeanVarianceNormalization RMSNormalization RandomNormalLike RandomUniformLike',
  ),
  ...rows(broadcasting, 'Add Sub Mul Div Mod Pow PRelu BitShift BitwiseAnd BitwiseOr BitwiseXor'),
  ...rows(broadcasting, 'Min Max Sum Mean'),
  ...rows(comparing, 'Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor'),
  ...rows(sameAs('bool'), 'Not IsNaN IsInf'),
  ['Where', where],
  ['Cast', cast],
  ['CastLike', castLike],
  ['Dropout', dropout],
  ['BatchNormalization', batchNormalization],
  ['LayerNormalization', layerNormalization],
  ['QuantizeLinear', quantize],
  ['DequantizeLinear', dequantize],
  ['DynamicQuantizeLinear', dynamicQuantize],
])
