import { type AttributeValue, float } from '../../../onnx/index.ts'
import type { Dense } from '../dense.ts'
import {
  awayFrom,
  broadcastPair,
  type CaseMaker,
  type Choices,
  constantOf,
  distinct,
  OPSETS,
  shape,
  uniform,
} from './case.ts'

const anyShape = (choose: Choices): number[] => shape(choose, choose.integer(0, 4), 3)

/** An operator of one input, with elements from [low, high) away from its kinks. */
const unary =
  (operator: string, low = -2, high = 2, kinks: readonly number[] = []): CaseMaker =>
  (choose) => ({
    opset: choose.pick(OPSETS),
    inputs: { x: awayFrom(kinks, anyShape(choose), choose.random, low, high) },
    write: (g) => [g.op(operator, ['x'])],
  })

/** An operator of two inputs that broadcast; elements of the second from [low, high). */
const binary =
  (operator: string, low = -2, high = 2): CaseMaker =>
  (choose) => {
    const [a, b] = broadcastPair(choose)
    return {
      opset: choose.pick(OPSETS),
      inputs: { a: uniform(a, choose.random), b: uniform(b, choose.random, low, high) },
      write: (g) => [g.op(operator, ['a', 'b'])],
    }
  }

/** One value used twice by one operator: both gradients add up. */
const squared: CaseMaker = (choose) => ({
  opset: choose.pick(OPSETS),
  inputs: { x: uniform(anyShape(choose), choose.random) },
  write: (g) => [g.op('Mul', ['x', 'x'])],
})

const pow: CaseMaker = (choose) => {
  const [a, b] = broadcastPair(choose)
  return {
    opset: choose.pick(OPSETS),
    inputs: { a: uniform(a, choose.random, 0.3, 2), b: uniform(b, choose.random) },
    write: (g) => [g.op('Pow', ['a', 'b'])],
  }
}

/** Whole constant exponents, in either type, of bases of either sign. */
const wholePow: CaseMaker = (choose) => {
  const exponent = choose.pick([1, 2, 3])
  const asInteger = choose.integer(0, 1) === 1
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: awayFrom([0], anyShape(choose), choose.random) },
    write: (g) => {
      const whole = constantOf('int64', [], [exponent])
      return [g.op('Pow', ['x', asInteger ? g.constant(whole) : g.scalar(exponent)])]
    },
  }
}

/** One to three operands that broadcast, no two elements alike. */
const extremum =
  (operator: string): CaseMaker =>
  (choose) => {
    const [a, b] = broadcastPair(choose)
    const shapes = [a, b, b].slice(0, choose.integer(1, 3))
    const operands = distinct(shapes, choose.random)
    const inputs = Object.fromEntries(operands.map((operand, index) => [`x${index}`, operand]))
    return {
      opset: choose.pick(OPSETS),
      inputs,
      write: (g) => [g.op(operator, Object.keys(inputs))],
    }
  }

const where: CaseMaker = (choose) => {
  const [a, b] = broadcastPair(choose)
  return {
    opset: choose.pick(OPSETS),
    inputs: { a: awayFrom([0], a, choose.random), b: awayFrom([0], b, choose.random) },
    write: (g) => [g.op('Where', [g.op('Greater', ['a', g.scalar(0)]), 'a', 'b'])],
  }
}

const clip: CaseMaker = (choose) => {
  const [low, high] = [-0.7, 1.1]
  const hasLow = choose.integer(0, 3) > 0
  const hasHigh = choose.integer(0, 3) > 0
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: awayFrom([low, high], anyShape(choose), choose.random) },
    write: (g) => {
      const bounds = [hasLow ? g.scalar(low) : '', hasHigh ? g.scalar(high) : '']
      return [g.op('Clip', ['x', ...bounds.slice(0, hasHigh ? 2 : 1)])]
    },
  }
}

/** Bounds that are trained: each gets the gradient of the elements that it holds. */
const learnedClip: CaseMaker = (choose) => {
  const scalar = (low: number, high: number): Dense => uniform([], choose.random, low, high)
  const [low, high] = [scalar(-1, -0.5), scalar(0.5, 1)]
  const kinks = [low.data[0]!, high.data[0]!]
  return {
    opset: choose.pick(OPSETS),
    inputs: { x: awayFrom(kinks, anyShape(choose), choose.random), low, high },
    write: (g) => [g.op('Clip', ['x', 'low', 'high'])],
  }
}

/** An operator with float attributes, each left out at times. */
const withAttributes =
  (
    operator: string,
    make: (choose: Choices) => { attributes: Record<string, number>; kinks: number[] },
  ): CaseMaker =>
  (choose) => {
    const { attributes, kinks } = make(choose)
    const entries = Object.entries(attributes).map(([name, value]): [string, AttributeValue] => [
      name,
      float(value),
    ])
    return {
      opset: choose.pick(OPSETS),
      inputs: { x: awayFrom(kinks, anyShape(choose), choose.random, -5, 5) },
      write: (g) => [g.op(operator, ['x'], Object.fromEntries(entries))],
    }
  }

const leakyRelu = withAttributes('LeakyRelu', (choose) => ({
  attributes: choose.pick([{}, { alpha: 0.3 }, { alpha: 1.5 }]) as Record<string, number>,
  kinks: [0],
}))

const hardSigmoid = withAttributes('HardSigmoid', (choose) =>
  choose.pick([
    { attributes: {} as Record<string, number>, kinks: [-2.5, 2.5] },
    { attributes: { alpha: 1 / 6 }, kinks: [-3, 3] },
    { attributes: { alpha: 0.5, beta: 0.25 }, kinks: [-0.5, 1.5] },
  ]),
)

/** Outside training it passes everything. */
const dropout: CaseMaker = (choose) => ({
  opset: choose.pick(OPSETS),
  inputs: { x: uniform(anyShape(choose), choose.random) },
  write: (g) => {
    const stated = choose.integer(0, 1) === 1
    const off = stated ? [g.scalar(0.5), g.constant(constantOf('bool', [], [0]))] : []
    return [g.op('Dropout', ['x', ...off])]
  },
})

/** Operators that work element by element. */
export const elementwiseCases: Record<string, CaseMaker> = {
  Add: binary('Add'),
  Sub: binary('Sub'),
  Mul: binary('Mul'),
  'Mul by itself': squared,
  Div: binary('Div', 0.5, 2),
  Pow: pow,
  'Pow, whole exponent': wholePow,
  Max: extremum('Max'),
  Min: extremum('Min'),
  Where: where,
  Clip: clip,
  'Clip, trained bounds': learnedClip,
  Relu: unary('Relu', -2, 2, [0]),
  LeakyRelu: leakyRelu,
  Sigmoid: unary('Sigmoid', -5, 5),
  Tanh: unary('Tanh', -3, 3),
  HardSigmoid: hardSigmoid,
  HardSwish: unary('HardSwish', -5, 5, [-3, 3]),
  Softplus: unary('Softplus', -5, 5),
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  Log: unary('Log', 0.2, 3),
  Sqrt: unary('Sqrt', 0.2, 3),
  Reciprocal: unary('Reciprocal', 0.4, 3),
  Abs: unary('Abs', -2, 2, [0]),
  Neg: unary('Neg'),
  Round: unary('Round', -3, 3, [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]),
  Identity: unary('Identity'),
  Dropout: dropout,
}
