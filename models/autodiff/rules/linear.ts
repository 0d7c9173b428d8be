import { floatAttribute, intAttribute } from '../../onnx/index.ts'
import type { GradientRule, Tape } from '../tape.ts'

const swapLast = (tape: Tape, value: string, rank: number): string => {
  const perm = Array.from({ length: rank }, (_, axis) => axis)
  perm[rank - 2] = rank - 1
  perm[rank - 1] = rank - 2
  return tape.transpose(value, perm)
}

const matMul: GradientRule = (tape, node, [dy]) => {
  if (dy === undefined) return []
  const [a, b] = node.inputs as [string, string]
  const [da, db, dims] = [tape.dims(a), tape.dims(b), tape.dims(node.outputs[0] as string)]
  if (da.length < 2 || db.length < 2)
    throw tape.unsupported(node, 'an operand is a vector; reshape it to a matrix')
  const batch = (lastTwo: readonly number[]) => [...dims.slice(0, -2), ...lastTwo]
  const gradientA = () => {
    const product = tape.op('MatMul', [dy, swapLast(tape, b, db.length)])
    return tape.unbroadcast(product, batch(da.slice(-2)), da)
  }
  const gradientB = () => {
    // One weight matrix for a whole stack of inputs: a single product over all rows.
    if (db.length === 2 && da.length > 2) {
      const rows = (value: string, width: number) => tape.reshape(value, [-1, width])
      return tape.op('MatMul', [tape.transpose(rows(a, da.at(-1)!), [1, 0]), rows(dy, db[1]!)])
    }
    const product = tape.op('MatMul', [swapLast(tape, a, da.length), dy])
    return tape.unbroadcast(product, batch(db.slice(-2)), db)
  }
  return [tape.needs(a) ? gradientA() : undefined, tape.needs(b) ? gradientB() : undefined]
}

/** Y = alpha·A'·B' + beta·C, A' and B' transposed or not. */
const gemm: GradientRule = (tape, node, [dy]) => {
  if (dy === undefined) return []
  const [a, b, c] = node.inputs as [string, string, string | undefined]
  const transA = intAttribute(node, 'transA', 0)
  const transB = intAttribute(node, 'transB', 0)
  const alpha = { type: 'float', value: floatAttribute(node, 'alpha', 1) } as const
  const product = (left: string, right: string, transLeft: number, transRight: number) =>
    tape.op('Gemm', [left, right], { alpha, transA: transLeft, transB: transRight })
  return [
    tape.needs(a) ? (transA ? product(b, dy, transB, 1) : product(dy, b, 0, 1 - transB)) : undefined,
    tape.needs(b) ? (transB ? product(dy, a, 1, transA) : product(a, dy, 1 - transA, 0)) : undefined,
    tape.needs(c)
      ? tape.unbroadcast(
          tape.scale(dy, floatAttribute(node, 'beta', 1)),
          tape.dims(node.outputs[0] as string),
          tape.dims(c),
        )
      : undefined,
  ]
}

/** Gradient rules of matrix products. */
export const linearRules: Record<string, GradientRule> = { MatMul: matMul, Gemm: gemm }
