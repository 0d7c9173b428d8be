import { float } from '../../../onnx/index.ts'
import { type CaseMaker, narrowed, OPSETS, shape, uniform } from './case.ts'

const matMul: CaseMaker = (choose) => {
  const [rows, inner, columns] = shape(choose, 3) as [number, number, number]
  const batch = shape(choose, choose.integer(0, 2), 3)
  const operand = (lastTwo: number[]): number[] => [...narrowed(choose, batch), ...lastTwo]
  return {
    opset: choose.pick(OPSETS),
    inputs: {
      a: uniform(operand([rows, inner]), choose.random),
      b: uniform(operand([inner, columns]), choose.random),
    },
    write: (g) => [g.op('MatMul', ['a', 'b'])],
  }
}

const gemm: CaseMaker = (choose) => {
  const [rows, inner, columns] = shape(choose, 3) as [number, number, number]
  const [transA, transB] = [choose.integer(0, 1), choose.integer(0, 1)]
  const [alpha, beta] = [choose.pick([1, 0.5, -2]), choose.pick([1, 0.25, -1.5])]
  const bias = choose.pick([undefined, [], [columns], [1, columns], [rows, 1], [rows, columns], [1, 1]])
  return {
    opset: choose.pick(OPSETS),
    inputs: {
      a: uniform(transA ? [inner, rows] : [rows, inner], choose.random),
      b: uniform(transB ? [columns, inner] : [inner, columns], choose.random),
      ...(bias ? { c: uniform(bias, choose.random) } : {}),
    },
    write: (g) => [
      g.op('Gemm', ['a', 'b', ...(bias ? ['c'] : [])], {
        transA,
        transB,
        alpha: float(alpha),
        beta: float(beta),
      }),
    ],
  }
}

/** Matrix products. */
export const linearCases: Record<string, CaseMaker> = { MatMul: matMul, Gemm: gemm }
