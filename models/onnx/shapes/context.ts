import type { IsthmusError } from '@isthmus/proto'
import type { DType } from '../dtype.ts'
import { graphError } from '../errors.ts'
import { describeNode, intsAttribute, type Node } from '../graph.ts'

/** Element type and static shape of a value. */
export interface TensorType {
  readonly dtype: DType
  readonly dims: readonly number[]
}

/** What a shape rule sees of one node. */
export interface NodeContext {
  readonly node: Node
  /** Version of the operator set that the node's domain is imported at. */
  readonly opset: number
  /** Types of the inputs by position; undefined for an optional input that was left out. */
  readonly types: readonly (TensorType | undefined)[]
  /** Elements of the inputs by position, where they are known and few. */
  readonly known: readonly (readonly number[] | undefined)[]
}

/** Gives the types of a node's outputs by position. It may give more than the node asks for. */
export type ShapeRule = (context: NodeContext) => readonly TensorType[]

export const mismatch = (context: NodeContext, why: string): IsthmusError =>
  graphError(
    'SHAPE_MISMATCH',
    `${describeNode(context.node)}: ${why}. Check the input shapes, or export the model again.`,
  )

export const unknownShape = (context: NodeContext, why: string): IsthmusError =>
  graphError(
    'SHAPE_UNKNOWN',
    `${describeNode(context.node)}: ${why}. Export the model with fixed input sizes, or fold its constants.`,
  )

/** Type of input `index`, which the operator requires. */
export function typeAt(context: NodeContext, index: number): TensorType {
  const type = context.types[index]
  if (!type) throw mismatch(context, `input ${index} is missing`)
  return type
}

export const dimsAt = (context: NodeContext, index: number): readonly number[] => typeAt(context, index).dims

/** Elements of input `index`, which decide the shape of the result. */
export function elementsAt(context: NodeContext, index: number): readonly number[] {
  const elements = context.known[index]
  if (!elements) {
    throw unknownShape(
      context,
      `its shape depends on the values of "${context.node.inputs[index]}", which are computed`,
    )
  }
  return elements
}

/** True when input `index` was given at all. */
export const hasInput = (context: NodeContext, index: number): boolean => context.types[index] !== undefined

/** A list that was an attribute in older operator sets and is an input in newer ones. */
export function listOf(
  context: NodeContext,
  attribute: string,
  input: number,
): readonly number[] | undefined {
  if (hasInput(context, input)) return elementsAt(context, input)
  return attribute in context.node.attributes ? intsAttribute(context.node, attribute, []) : undefined
}

/** An axis counted from the front. `rank` may be that of the result, for axes that are inserted. */
export function axisOf(context: NodeContext, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(positive) || positive < 0 || positive >= rank) {
    throw mismatch(context, `axis ${axis} does not exist in ${rank} dimensions`)
  }
  return positive
}

/** The type of input `index` with other dims. */
export const like = (context: NodeContext, index: number, dims: readonly number[]): TensorType => ({
  dtype: typeAt(context, index).dtype,
  dims,
})

/** The common shape of `shapes` by multidirectional (numpy) broadcasting. */
export function broadcast(context: NodeContext, shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = Math.max(0, ...shapes.map((dims) => dims.length))
  const result = new Array<number>(rank).fill(1)
  for (const dims of shapes) {
    const shift = rank - dims.length
    dims.forEach((dim, i) => {
      if (dim === 1) return
      if (result[shift + i] !== 1 && result[shift + i] !== dim) {
        throw mismatch(context, `shapes ${shapes.map((s) => `[${s}]`).join(' and ')} do not broadcast`)
      }
      result[shift + i] = dim
    })
  }
  return result
}
