import {
  type ConstantTensor,
  describeNode,
  elementCount,
  type GraphBuilder,
  type Node,
} from '../onnx/index.ts'
import { readsOf } from '../onnx/order.ts'
import { autodiffError } from './errors.ts'
import { gradientRules, isFlat } from './rules/index.ts'
import { Tape } from './tape.ts'

/** A forward pass that has been written into `builder`, with static shapes. */
export interface ForwardPass {
  readonly builder: GraphBuilder
  /** In an order in which they can run. */
  readonly nodes: readonly Node[]
  readonly dims: (value: string) => readonly number[] | undefined
  /** Constants, where a rule must know values (axes, pads, ...). */
  readonly constant: (value: string) => ConstantTensor | undefined
  /** What the windows of a convolution see, where the pass has laid it out ({@link writeAsProduct}). */
  readonly patches?: (node: Node) => string | undefined
  /** The transformed tiles of a convolution's input, where the pass has made them ({@link writeByTiles}). */
  readonly tiles?: (node: Node) => string | undefined
}

/**
 * Reverse-mode differentiation: writes operators behind the forward pass that compute the gradient of `loss`
 * (one number) by each value of `wrt`, and returns the name of each gradient. Values that do not influence the
 * loss are absent from the result.
 * Throws UNSUPPORTED_GRADIENT naming the node and operator that has no rule, BAD_OPTION for a loss of several numbers.
 */
export function differentiate(pass: ForwardPass, loss: string, wrt: Iterable<string>): Map<string, string> {
  const wanted = new Set(wrt)
  const needed = influencedBy(pass.nodes, wanted)
  if (!needed.has(loss)) {
    throw autodiffError('UNSUPPORTED_GRADIENT', `"${loss}" does not depend on any of the parameters.`)
  }
  const tape = new Tape({ ...pass, needsGradient: (value) => needed.has(value) })
  const lossDims = tape.dims(loss)
  if (elementCount(lossDims) !== 1) {
    throw autodiffError('BAD_OPTION', `The loss "${loss}" has shape [${lossDims}]; reduce it to one number.`)
  }
  const one = tape.scalar(1)
  const gradients = new Map([[loss, lossDims.length === 0 ? one : tape.reshape(one, lossDims)]])
  for (const node of pass.nodes.toReversed()) {
    if (!node.outputs.some((output) => gradients.has(output))) continue
    const inputs = readsOf(node).filter((input) => needed.has(input))
    if (inputs.length === 0 || isFlat(node)) continue
    const rule = node.domain === '' ? gradientRules[node.op] : undefined
    if (!rule) {
      const domain = node.domain ? `${node.domain}.` : ''
      throw autodiffError(
        'UNSUPPORTED_GRADIENT',
        `No gradient rule for operator ${domain}${describeNode(node)}. Freeze what lies before it, or rewrite it with supported operators.`,
      )
    }
    const outputGradients = node.outputs.map((output) => gradients.get(output))
    const inputGradients = rule(tape, node, outputGradients)
    node.inputs.forEach((input, index) => {
      if (!needed.has(input)) return
      const gradient = inputGradients[index]
      if (gradient === undefined) {
        throw tape.unsupported(node, `nothing is known of how it changes with its input "${input}"`)
      }
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
    if (isFlat(node) || !readsOf(node).some((input) => reached.has(input))) continue
    for (const output of node.outputs) reached.add(output)
  }
  reached.delete('')
  return reached
}
