import { gradientRules, isFlat } from '../autodiff/rules/index.ts'
import { flowOf } from '../onnx/cut-points.ts'
import { describeNode, type Graph, type Node } from '../onnx/index.ts'
import { readsOf } from '../onnx/order.ts'

/**
 * Operators through which no gradient comes back, in order of computation: those that lie between the inputs and the outputs and have no rule.
 * What lies behind a cut must be free of them; what lies in front of it is replaced, so there they do no harm.
 */
export function gradientObstacles(graph: Graph): Node[] {
  const { nodes, active } = flowOf(graph)
  return nodes.filter(
    (node) =>
      node.outputs.some((output) => active.has(output)) &&
      readsOf(node).some((input) => active.has(input)) &&
      !isFlat(node) &&
      (node.domain !== '' || gradientRules[node.op] === undefined),
  )
}

/** The obstacles behind the node that makes `tensor`, in `order` (the graph's nodes as they run). */
export function obstaclesBehind(order: readonly Node[], obstacles: readonly Node[], tensor: string): Node[] {
  const at = order.findIndex((node) => node.outputs.includes(tensor))
  const behind = new Set(order.slice(at + 1))
  return obstacles.filter((node) => behind.has(node))
}

/** `Gelu "act" (→ t7)`, with the domain where it is not the standard one. */
export const nameObstacle = (node: Node): string =>
  `${node.domain ? `${node.domain}.` : ''}${describeNode(node)}`
