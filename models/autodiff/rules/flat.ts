import { intAttribute, type Node } from '../../onnx/index.ts'

const flat = new Set(
  (
    'Shape Size Equal Less LessOrEqual Greater GreaterOrEqual And Or Xor Not IsNaN IsInf ArgMax ArgMin NonZero ' +
    'Sign Floor Ceil ConstantOfShape RandomNormalLike RandomUniformLike'
  ).split(' '),
)

/** An Identity whose name begins so passes no gradient back: what comes out of it counts as a constant. */
export const STOP_GRADIENT = 'stop_gradient'

/** ONNX numbers of float, float16, double and bfloat16. */
const floatTypes = [1, 10, 11, 16]

/**
 * Whether the result of a node stays the same when its inputs change a little: shapes, comparisons, indices, whole
 * numbers. Its gradient is zero (where there is one), so nothing is passed back. Round is not among them: its
 * gradient is straight-through.
 */
export const isFlat = (node: Node): boolean =>
  node.domain === '' &&
  (flat.has(node.op) ||
    (node.op === 'Cast' && !floatTypes.includes(intAttribute(node, 'to', 1))) ||
    (node.op === 'Identity' && node.name.startsWith(STOP_GRADIENT)))
