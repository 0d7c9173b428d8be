import { graphError } from './errors.ts'
import { describeNode, type Graph, type Node } from './graph.ts'

/** Names that a subgraph (a branch of If, the body of Loop) reads from the graph around it. */
export function capturedNames(graph: Graph): Set<string> {
  const own = new Set(graph.initializers.keys())
  for (const input of graph.inputs) own.add(input.name)
  for (const node of graph.nodes) for (const name of node.outputs) own.add(name)
  const captured = new Set<string>()
  for (const node of graph.nodes) {
    for (const name of readsOf(node)) if (!own.has(name)) captured.add(name)
  }
  for (const output of graph.outputs) if (!own.has(output.name)) captured.add(output.name)
  return captured
}

/** All values that a node needs: its inputs, and what its subgraphs capture. */
export function readsOf(node: Node): readonly string[] {
  const graphs = Object.values(node.attributes).filter((attribute) => attribute.type === 'graph')
  const inputs = node.inputs.includes('') ? node.inputs.filter((name) => name !== '') : node.inputs
  if (graphs.length === 0) return inputs
  const names = new Set(inputs)
  for (const attribute of graphs) for (const name of capturedNames(attribute.value)) names.add(name)
  return [...names]
}

/** The node that makes each value. Throws MODEL_UNREADABLE when two nodes make the same. */
export function producersOf(nodes: readonly Node[]): Map<string, Node> {
  const producers = new Map<string, Node>()
  for (const node of nodes) {
    for (const name of node.outputs) {
      if (name === '') continue
      if (producers.has(name)) {
        throw graphError(
          'MODEL_UNREADABLE',
          `"${name}" is made by two nodes, ${describeNode(producers.get(name)!)} and ${describeNode(node)}. Export the model again.`,
        )
      }
      producers.set(name, node)
    }
  }
  return producers
}

/**
 * The nodes in an order in which they can run; an order that already works is kept.
 * Throws MODEL_UNREADABLE when values depend on themselves or are made twice.
 */
export function sortNodes(nodes: readonly Node[]): readonly Node[] {
  const producers = producersOf(nodes)
  const state = new Map<Node, 'open' | 'done'>()
  const sorted: Node[] = []
  for (const root of nodes) {
    // Depth first with a stack of its own: graphs are deeper than the call stack allows.
    const stack = state.has(root) ? [] : [root]
    while (stack.length > 0) {
      const node = stack.at(-1)!
      if (state.get(node) === 'done') {
        stack.pop()
        continue
      }
      const pending: Node[] = []
      for (const name of readsOf(node)) {
        const producer = producers.get(name)
        if (producer && state.get(producer) !== 'done') pending.push(producer)
      }
      if (pending.length === 0) {
        state.set(node, 'done')
        sorted.push(node)
        stack.pop()
      } else {
        if (state.get(node) === 'open') throw circular(node)
        state.set(node, 'open')
        // Not spread: one Concat may join more values than a call takes arguments.
        for (const producer of pending.reverse()) stack.push(producer)
      }
    }
  }
  return sorted
}

const circular = (node: Node) =>
  graphError('MODEL_UNREADABLE', `${describeNode(node)} depends on its own result. Export the model again.`)
