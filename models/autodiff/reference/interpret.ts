import { type ConstantTensor, describeNode, type Node } from '../../onnx/index.ts'
import { type Dense, denseOf } from './dense.ts'
import { elementwiseReference } from './elementwise.ts'
import { layoutReference } from './layout.ts'
import { linearReference } from './linear.ts'
import { normalizationReference } from './normalization.ts'
import { reductionReference } from './reduction.ts'
import type { ReferenceRule } from './rule.ts'
import { windowReference } from './windows.ts'

/** The operators that {@link interpret} knows. */
export const referenceRules: Readonly<Record<string, ReferenceRule>> = {
  ...elementwiseReference,
  ...layoutReference,
  ...linearReference,
  ...normalizationReference,
  ...reductionReference,
  ...windowReference,
}

/**
 * Runs nodes of the standard operator set in float64 by the book: an oracle that shares no code with ONNX Runtime or
 * with the gradient rules. Slow; for small arrays. Returns every value by name, `values` included.
 */
export function interpret(
  nodes: readonly Node[],
  initializers: ReadonlyMap<string, ConstantTensor>,
  values: ReadonlyMap<string, Dense>,
  rules: Readonly<Record<string, ReferenceRule>> = referenceRules,
): Map<string, Dense> {
  const known = new Map<string, Dense>(values)
  for (const [name, tensor] of initializers) known.set(name, denseOf(tensor))
  for (const node of nodes) {
    const rule = rules[node.op]
    if (!rule) throw new Error(`The reference interpreter does not know ${describeNode(node)}.`)
    const outputs = rule(
      node,
      node.inputs.map((name) => (name === '' ? undefined : known.get(name)!)),
    )
    node.outputs.forEach((name, index) => {
      const value = outputs[index]
      if (name !== '' && value) known.set(name, value)
    })
  }
  return known
}
