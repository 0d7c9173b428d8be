import { floatAttribute, type Node } from '../../onnx/index.ts'
import { atBroadcast, broadcastDims, type Dense, dense, tabulate } from './dense.ts'
import { plain, type ReferenceRule } from './rule.ts'

const unary = (f: (x: number, node: Node) => number): ReferenceRule =>
  plain((node, x) =>
    dense(
      x.dims,
      x.data.map((value) => f(value, node)),
    ),
  )

const zip = (f: (...values: number[]) => number, ...operands: readonly Dense[]): Dense =>
  tabulate(broadcastDims(...operands.map(({ dims }) => dims)), (index) =>
    f(...operands.map((operand) => atBroadcast(operand, index))),
  )

const broadcasting = (f: (...values: number[]) => number): ReferenceRule =>
  plain((_, ...operands) => zip(f, ...operands))

const clip: ReferenceRule = (node, [x, low, high]) => {
  const min = low?.data[0] ?? floatAttribute(node, 'min', -Infinity)
  const max = high?.data[0] ?? floatAttribute(node, 'max', Infinity)
  return [
    dense(
      x!.dims,
      x!.data.map((value) => Math.min(max, Math.max(min, value))),
    ),
  ]
}

const hardSigmoid = (x: number, alpha: number, beta: number): number =>
  Math.max(0, Math.min(1, alpha * x + beta))

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))

/** Half to even. */
const round = (x: number): number => {
  const floor = Math.floor(x)
  if (x - floor !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

/** Maclaurin series, for |x| up to about 4 (Abramowitz and Stegun 7.1.5). */
function erf(x: number): number {
  let term = x
  let sum = x
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (-x * x) / n
    sum += term / (2 * n + 1)
  }
  return (2 / Math.sqrt(Math.PI)) * sum
}

const truth = (value: boolean): number => (value ? 1 : 0)

/** Operators that work element by element, as the ONNX specification defines them. */
export const elementwiseReference: Record<string, ReferenceRule> = {
  Add: broadcasting((a, b) => a! + b!),
  Sub: broadcasting((a, b) => a! - b!),
  Mul: broadcasting((a, b) => a! * b!),
  Div: broadcasting((a, b) => a! / b!),
  Pow: broadcasting((a, b) => a! ** b!),
  Max: broadcasting(Math.max),
  Min: broadcasting(Math.min),
  Where: broadcasting((condition, a, b) => (condition ? a! : b!)),
  Greater: broadcasting((a, b) => truth(a! > b!)),
  Less: broadcasting((a, b) => truth(a! < b!)),
  Clip: clip,
  Relu: unary((x) => Math.max(0, x)),
  LeakyRelu: unary((x, node) => (x < 0 ? floatAttribute(node, 'alpha', 0.01) * x : x)),
  Sigmoid: unary(sigmoid),
  Tanh: unary(Math.tanh),
  HardSigmoid: unary((x, node) =>
    hardSigmoid(x, floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)),
  ),
  HardSwish: unary((x) => x * hardSigmoid(x, 1 / 6, 0.5)),
  Softplus: unary((x) => Math.log1p(Math.exp(x))),
  Erf: unary(erf),
  Exp: unary(Math.exp),
  Log: unary(Math.log),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Abs: unary(Math.abs),
  Neg: unary((x) => -x),
  Round: unary(round),
  Identity: unary((x) => x),
  Dropout: unary((x) => x),
}
