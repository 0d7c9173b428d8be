import type { DType } from './dtype.ts'
import type { Attribute, Dimension, Model, Node, ValueInfo } from './graph.ts'
import { type ConstantTensor, float32Tensor, int64Tensor } from './tensor.ts'

/** Attribute values as a caller writes them; whole numbers are ints, so a float attribute is made by `float`. */
export type AttributeValue = number | string | readonly number[] | ConstantTensor | Attribute

/** A float attribute; needed since 1 and 1.0 are the same number in JavaScript. */
export const float = (value: number): Attribute => ({ type: 'float', value })

function toAttribute(value: AttributeValue): Attribute {
  if (typeof value === 'number') return { type: 'int', value }
  if (typeof value === 'string') return { type: 'string', value }
  if (Array.isArray(value)) return { type: 'ints', value }
  if ('type' in (value as object)) return value as Attribute
  return { type: 'tensor', value: value as ConstantTensor }
}

/**
 * Writes a graph operator by operator; each call returns the name of the value it makes.
 *
 * ```ts
 * const g = new GraphBuilder('scale')
 * const x = g.input('x', 'float32', ['N', 3])
 * g.output(g.op('Mul', [x, g.constant(float32Tensor([2], []))]), 'y')
 * const bytes = writeModel(g.build())
 * ```
 */
export class GraphBuilder {
  readonly #name: string
  readonly #opset: number
  readonly #nodes: Node[] = []
  readonly #inputs: ValueInfo[] = []
  readonly #outputs: ValueInfo[] = []
  readonly #initializers = new Map<string, ConstantTensor>()
  readonly #values = new Map<string, ValueInfo>()
  readonly #shared = new Map<string, string>()
  readonly #names = new Set<string>()
  readonly #prefix: string
  #counter = 0

  /** `prefix` goes before every name that the builder makes up: a graph that takes in another needs its own. */
  constructor(name: string, opset = 17, prefix = '') {
    this.#name = name
    this.#opset = opset
    this.#prefix = prefix
  }

  /** A name that no value of this graph has. */
  fresh(hint: string): string {
    return `${this.#prefix}${hint}_${this.#counter++}`
  }

  input(name: string, dtype: DType, dims: readonly Dimension[]): string {
    this.#names.add(name)
    this.#inputs.push({ name, dtype, dims })
    return name
  }

  /** A weight or other constant. Its bytes are not copied. */
  constant(tensor: ConstantTensor, name: string = this.fresh('const')): string {
    this.#names.add(name)
    this.#initializers.set(name, tensor)
    return name
  }

  /** A scalar constant, shared by all who ask for the same value. */
  scalar(value: number): string {
    return this.#share(`f${value}`, () => float32Tensor([value], []))
  }

  /** A list of int64 (a shape, axes, ...), shared by all who ask for the same list. */
  ints(values: readonly number[]): string {
    return this.#share(`i${values}`, () => int64Tensor(values))
  }

  #share(key: string, make: () => ConstantTensor): string {
    let name = this.#shared.get(key)
    if (name === undefined) {
      name = this.constant(make())
      this.#shared.set(key, name)
    }
    return name
  }

  /** Adds an operator with one output and returns that output's name. */
  op(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
    output?: string,
  ): string {
    return this.ops(op, inputs, attributes, [output ?? this.fresh(op)])[0] as string
  }

  /** Adds an operator with these outputs. */
  ops(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue>,
    outputs: readonly string[],
  ): readonly string[] {
    const entries = Object.entries(attributes).map(([key, value]) => [key, toAttribute(value)] as const)
    for (const name of outputs) this.#names.add(name)
    this.#nodes.push({
      name: outputs[0] ?? '',
      op,
      domain: '',
      inputs,
      outputs,
      attributes: Object.fromEntries(entries),
    })
    return outputs
  }

  /** Adds a node as it is. */
  node(node: Node): void {
    for (const name of node.outputs) this.#names.add(name)
    this.#nodes.push(node)
  }

  /** States type and shape of an inner value. */
  value(info: ValueInfo): void {
    this.#values.set(info.name, info)
  }

  /** Declares `value` an output, under the name `name` (an Identity is added when the names differ). */
  output(value: string, name: string = value, dtype: DType = 'float32', dims?: readonly Dimension[]): string {
    if (name !== value) this.op('Identity', [value], {}, name)
    this.#outputs.push(dims ? { name, dtype, dims } : { name, dtype })
    return name
  }

  build(): Model {
    return {
      irVersion: 8,
      opsets: { '': this.#opset },
      producer: 'isthmus',
      graph: {
        name: this.#name,
        nodes: this.#nodes,
        inputs: this.#inputs,
        outputs: this.#outputs,
        initializers: this.#initializers,
        values: this.#values,
      },
      metadata: {},
      functions: [],
    }
  }
}
