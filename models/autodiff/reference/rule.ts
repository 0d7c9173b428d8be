import { intsAttribute, type Node } from '../../onnx/index.ts'
import type { Dense } from './dense.ts'

/** Computes the outputs of a node from its inputs (undefined: an optional input that was left out). */
export type ReferenceRule = (
  node: Node,
  inputs: readonly (Dense | undefined)[],
) => readonly (Dense | undefined)[]

/** A rule for an operator with one output all of whose inputs are given. */
export const plain =
  (compute: (node: Node, ...inputs: Dense[]) => Dense): ReferenceRule =>
  (node, inputs) => [compute(node, ...(inputs as Dense[]))]

/** Integers that are an attribute in older operator sets and an input in newer ones. */
export function listOf(
  node: Node,
  attribute: string,
  input: Dense | undefined,
): readonly number[] | undefined {
  if (input) return Array.from(input.data)
  return attribute in node.attributes ? intsAttribute(node, attribute, []) : undefined
}
