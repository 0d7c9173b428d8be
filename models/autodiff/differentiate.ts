import { IsthmusError } from '@isthmus/proto'
import { type ConstantTensor, describeNode, type GraphBuilder, type Node } from '../onnx/index.ts'
import { gradientRules } from './rules/index.ts'
import { Tape } from './tape.ts'

/** A forward pass that has been written into `builder`, with static shapes. */
export interface ForwardPass {
  readonly builder: GraphBuilder
  /** In an order in which they can run. */
  readonly nodes: readonly Node[]
  readonly dims: (value: string) => readonly number[] | undefined
  /** Constants, where a rule must know values (axes, pads, ...). */
  readonly constant: (value: string) => ConstantTensor | undefined
}

/**
 * Reverse-mode differentiation: writes operators behind the forward pass that compute the gradient of the scalar
 * `loss` by each value of `wrt`, and returns the name of each gradient. Values that do not influence the loss are
 * absent from the result.
 * Throws UNSUPPORTED_GRADIENT naming the node and operator that has no rule.
 */
export function differentiate(pass: ForwardPass, loss: string, wrt: Iterable<string>): Map<string, string> {
  const wanted = new Set(wrt)
  const needed = influencedBy(pass.nodes, wanted)
  if (!needed.has(loss)) {
    throw new IsthmusError('UNSUPPORTED_GRADIENT', `"${loss}" does not depend on any of the parameters.`)
  }
  const tape = new Tape({ ...pass, needsGradient: (value) => needed.has(value) })
  const gradients = new Map<string, string>([[loss, tape.scalar(1)]])
  for (const node of pass.nodes.toReversed()) {
    if (!node.outputs.some((output) => gradients.has(output))) continue
    if (!node.inputs.some((input) => needed.has(input))) continue
    const rule = gradientRules[node.op]
    if (!rule || node.domain !== '') {
      throw new IsthmusError(
        'UNSUPPORTED_GRADIENT',
        `No gradient rule for operator ${node.domain ? `${node.domain}.` : ''}${describeNode(node)}. Freeze what lies before it, or rewrite it with supported operators.`,
      )
    }
    const outputGradients = node.outputs.map((output) => gradients.get(output))
    rule(tape, node, outputGradients).forEach((gradient, index) => {
      const input = node.inputs[index]
      if (gradient === undefined || !input) return
      const before = gradients.get(input)
      gradients.set(input, before === undefined ? gradient : tape.add(before, gradient))
    })
    // An inner gradient is complete and used once its node is done; only the wanted ones are kept.
    for (const output of node.outputs) if (!wanted.has(output)) gradients.delete(output)
  }
  return new Map([...gradients].filter(([value]) => wanted.has(value)))
}

/** Every value that some value of `sources` flows into, the sources included. */
function influencedBy(nodes: readonly Node[], sources: ReadonlySet<string>): Set<string> {
  const reached = new Set(sources)
  for (const node of nodes) {
    if (node.inputs.some((input) => reached.has(input)))
      for (const output of node.outputs) reached.add(output)
  }
  reached.delete('')
  return reached
}
