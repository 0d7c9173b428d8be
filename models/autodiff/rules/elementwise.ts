import { floatAttribute, type Node } from '../../onnx/index.ts'
import type { GradientRule, Tape } from '../tape.ts'

type Unary = (tape: Tape, dy: string, x: string, y: string, node: Node) => string

const unary =
  (rule: Unary): GradientRule =>
  (tape, node, [dy]) =>
    dy === undefined || !tape.needs(node.inputs[0])
      ? []
      : [rule(tape, dy, node.inputs[0], node.outputs[0] as string, node)]

type Binary = (tape: Tape, dy: string, a: string, b: string, y: string) => [() => string, () => string]

/** Binary operators broadcast: each gradient is summed back to the shape of its operand. */
const binary =
  (rule: Binary): GradientRule =>
  (tape, node, [dy]) => {
    if (dy === undefined) return []
    const [a, b] = node.inputs as [string, string]
    const y = node.outputs[0] as string
    const gradients = rule(tape, dy, a, b, y)
    return [a, b].map((operand, index) =>
      tape.needs(operand)
        ? tape.unbroadcast(gradients[index]!(), tape.dims(y), tape.dims(operand))
        : undefined,
    )
  }

/** Bounds get the gradient of the elements that they hold. */
const clip: GradientRule = (tape, node, [dy]) => {
  if (dy === undefined) return []
  const [x, lowInput, highInput] = node.inputs as [string, string | undefined, string | undefined]
  const bound = (index: number, attribute: string): string | undefined => {
    const input = node.inputs[index]
    if (input) return input
    return node.attributes[attribute] ? tape.scalar(floatAttribute(node, attribute, 0)) : undefined
  }
  const low = bound(1, 'min')
  const high = bound(2, 'max')
  const within = () => {
    let gradient = dy
    if (low) gradient = tape.mul(gradient, tape.mask(tape.op('GreaterOrEqual', [x, low])))
    if (high) gradient = tape.mul(gradient, tape.mask(tape.op('LessOrEqual', [x, high])))
    return gradient
  }
  const held = (beyond: 'Less' | 'Greater', at: string) =>
    tape.unbroadcast(tape.mul(dy, tape.mask(tape.op(beyond, [x, at]))), tape.dims(x), tape.dims(at))
  return [
    tape.needs(x) ? within() : undefined,
    tape.needs(lowInput) ? held('Less', lowInput) : undefined,
    tape.needs(highInput) ? held('Greater', highInput) : undefined,
  ]
}

/** Outside training it is the identity. */
const dropout: GradientRule = (tape, node, [dy]) => {
  const mode = node.inputs[2]
  const off = !mode || tape.constant(mode)?.bytes[0] === 0
  if (!off) throw tape.unsupported(node, 'in training mode it has no gradient; set training_mode to false')
  return dy === undefined ? [] : [dy]
}

/** The exponent may be of an integer type. */
const pow: Binary = (t, dy, a, b, y) => [
  () => {
    const exponent = t.op('Cast', [b], { to: 1 })
    return t.mul(dy, t.mul(exponent, t.op('Pow', [a, t.sub(exponent, t.scalar(1))])))
  },
  () => t.mul(dy, t.mul(y, t.op('Log', [a]))),
]

const where: GradientRule = (tape, node, [dy]) => {
  if (dy === undefined) return []
  const [condition, a, b] = node.inputs as [string, string, string]
  const zero = tape.scalar(0)
  const from = tape.dims(node.outputs[0] as string)
  return [
    undefined,
    tape.needs(a) ? tape.unbroadcast(tape.op('Where', [condition, dy, zero]), from, tape.dims(a)) : undefined,
    tape.needs(b) ? tape.unbroadcast(tape.op('Where', [condition, zero, dy]), from, tape.dims(b)) : undefined,
  ]
}

/** Largest and smallest: the gradient goes to the operand that won; both get it where they tie. */
const extremum =
  (): GradientRule =>
  (tape, node, [dy]) => {
    if (dy === undefined) return []
    const y = node.outputs[0] as string
    return node.inputs.map((operand) => {
      if (!tape.needs(operand)) return undefined
      const won = tape.mask(tape.op('Equal', [operand, y]))
      return tape.unbroadcast(tape.mul(dy, won), tape.dims(y), tape.dims(operand))
    })
  }

/** Gradient rules of operators that work element by element. */
export const elementwiseRules: Record<string, GradientRule> = {
  Add: binary((_, dy) => [() => dy, () => dy]),
  Sub: binary((t, dy) => [() => dy, () => t.neg(dy)]),
  Mul: binary((t, dy, a, b) => [() => t.mul(dy, b), () => t.mul(dy, a)]),
  Div: binary((t, dy, _, b, y) => [() => t.div(dy, b), () => t.neg(t.div(t.mul(dy, y), b))]),
  Pow: binary(pow),
  Max: extremum(),
  Min: extremum(),
  Where: where,
  Clip: clip,
  Relu: unary((t, dy, _, y) => t.mul(dy, t.step(y))),
  LeakyRelu: unary((t, dy, x, _, node) => {
    const slope = floatAttribute(node, 'alpha', 0.01)
    return t.mul(dy, t.add(t.scale(t.step(x), 1 - slope), t.scalar(slope)))
  }),
  Sigmoid: unary((t, dy, _, y) => t.mul(dy, t.mul(y, t.sub(t.scalar(1), y)))),
  Tanh: unary((t, dy, _, y) => t.mul(dy, t.sub(t.scalar(1), t.mul(y, y)))),
  HardSigmoid: unary((t, dy, _, y, node) => {
    const inside = t.mul(t.step(y), t.step(t.sub(t.scalar(1), y)))
    return t.scale(t.mul(dy, inside), floatAttribute(node, 'alpha', 0.2))
  }),
  HardSwish: unary((t, dy, x) => {
    const gate = t.op('HardSigmoid', [x], {
      alpha: { type: 'float', value: 1 / 6 },
      beta: { type: 'float', value: 0.5 },
    })
    const inside = t.mul(t.step(gate), t.step(t.sub(t.scalar(1), gate)))
    return t.mul(dy, t.add(gate, t.scale(t.mul(x, inside), 1 / 6)))
  }),
  Softplus: unary((t, dy, x) => t.mul(dy, t.op('Sigmoid', [x]))),
  Erf: unary((t, dy, x) => t.scale(t.mul(dy, t.op('Exp', [t.neg(t.mul(x, x))])), 2 / Math.sqrt(Math.PI))),
  Exp: unary((t, dy, _, y) => t.mul(dy, y)),
  Log: unary((t, dy, x) => t.div(dy, x)),
  Sqrt: unary((t, dy, _, y) => t.div(t.scale(dy, 0.5), y)),
  Reciprocal: unary((t, dy, _, y) => t.neg(t.mul(dy, t.mul(y, y)))),
  Abs: unary((t, dy, x) => t.mul(dy, t.op('Sign', [x]))),
  Neg: unary((t, dy) => t.neg(dy)),
  // Straight-through estimator (Bengio et al. 2013): rounding passes the gradient as if it were the identity.
  Round: unary((_, dy) => dy),
  Identity: unary((_, dy) => dy),
  Dropout: dropout,
}
