import { intAttribute, type Node } from '../../onnx/index.ts'
import { elementCount, type GradientRule, keptDims, positiveAxis, type Tape } from '../tape.ts'

const reducedAxes = (tape: Tape, node: Node): number[] => {
  const rank = tape.dims(node.inputs[0] as string).length
  const axes = tape.constantInts(node, 'axes', 1)
  if (!axes || axes.length === 0) {
    return intAttribute(node, 'noop_with_empty_axes', 0) === 1
      ? []
      : Array.from({ length: rank }, (_, axis) => axis)
  }
  return axes.map((axis) => positiveAxis(axis, rank))
}

/** A reduction that spreads its gradient evenly: sums with factor 1, means with 1 / count. */
const spread =
  (mean: boolean): GradientRule =>
  (tape, node, [dy]) => {
    const x = node.inputs[0]
    if (dy === undefined || !tape.needs(x)) return []
    const dims = tape.dims(x)
    const axes = reducedAxes(tape, node)
    const count = mean ? elementCount(axes.map((axis) => dims[axis]!)) : 1
    return [tape.expand(tape.reshape(tape.scale(dy, 1 / count), keptDims(dims, axes)), dims)]
  }

const softmaxAxis = (tape: Tape, node: Node): number[] => {
  const rank = tape.dims(node.inputs[0] as string).length
  return [positiveAxis(intAttribute(node, 'axis', -1), rank)]
}

const softmax: GradientRule = (tape, node, [dy]) => {
  if (dy === undefined || !tape.needs(node.inputs[0])) return []
  const y = node.outputs[0] as string
  const inner = tape.sum(tape.mul(dy, y), softmaxAxis(tape, node))
  return [tape.mul(y, tape.sub(dy, inner))]
}

const logSoftmax: GradientRule = (tape, node, [dy]) => {
  if (dy === undefined || !tape.needs(node.inputs[0])) return []
  const probabilities = tape.op('Exp', [node.outputs[0] as string])
  return [tape.sub(dy, tape.mul(probabilities, tape.sum(dy, softmaxAxis(tape, node))))]
}

/** Gradient rules of reductions and of normalised exponentials. */
export const reductionRules: Record<string, GradientRule> = {
  ReduceSum: spread(false),
  ReduceMean: spread(true),
  Softmax: softmax,
  LogSoftmax: logSoftmax,
}
