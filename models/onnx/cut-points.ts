import type { Graph, Node } from './graph.ts'
import { readsOf, sortNodes } from './order.ts'

/** A tensor through which every path from the inputs to the outputs passes. */
export interface CutPoint {
  readonly tensor: string
  /** The operator that makes it: the last one of the head. */
  readonly node: Node
}

/** What flows from the inputs to the outputs; weights and what is computed from weights alone do not. */
export interface Flow {
  readonly nodes: readonly Node[]
  /** Values that depend on an input and that an output depends on. */
  readonly active: ReadonlySet<string>
  /** Those of them that do not come from others: inputs, and random draws. */
  readonly sources: ReadonlySet<string>
}

/** Operators that give another result each time: each draw must happen once, so they count like an input. */
const draws = new Set([
  'Bernoulli',
  'RandomNormal',
  'RandomUniform',
  'RandomNormalLike',
  'RandomUniformLike',
  'Multinomial',
])

const outputsOf = (node: Node): readonly string[] => node.outputs.filter((name) => name !== '')

/** Separates what flows from what is constant. */
export function flowOf(graph: Graph): Flow {
  const nodes = sortNodes(graph.nodes)
  const dependent = new Set(graph.inputs.map((input) => input.name))
  const sources = new Set(dependent)
  for (const node of nodes) {
    const fed = readsOf(node).some((name) => dependent.has(name))
    if (!fed && !draws.has(node.op)) continue
    for (const name of outputsOf(node)) {
      dependent.add(name)
      if (!fed) sources.add(name)
    }
  }
  const needed = new Set(graph.outputs.map((output) => output.name))
  for (let i = nodes.length - 1; i >= 0; i--) {
    const node = nodes[i]!
    if (node.outputs.some((name) => needed.has(name))) for (const name of readsOf(node)) needed.add(name)
  }
  const active = new Set([...dependent].filter((name) => needed.has(name)))
  return { nodes, active, sources: new Set([...sources].filter((name) => active.has(name))) }
}

/**
 * All tensors by which the graph can be cut in two, in the order in which they are made. One sweep over the
 * nodes counts the live values; where only one is alive, everything passes through it. (Any order of the nodes
 * finds all: a value that everything passes through is before or after every other one.)
 */
export function cutPoints(graph: Graph): CutPoint[] {
  const { nodes, active, sources } = flowOf(graph)
  const outputs = new Set(graph.outputs.map((output) => output.name))
  const lastRead = new Map<string, number>()
  nodes.forEach((node, i) => {
    if (node.outputs.some((name) => active.has(name))) {
      for (const name of readsOf(node)) lastRead.set(name, i)
    }
  })
  const live = new Set(sources)
  const found: CutPoint[] = []
  nodes.forEach((node, i) => {
    for (const name of outputsOf(node)) if (active.has(name)) live.add(name)
    for (const name of readsOf(node)) {
      if (lastRead.get(name) === i && !outputs.has(name)) live.delete(name)
    }
    const [tensor] = live.size === 1 ? [...live] : []
    if (tensor === undefined || !node.outputs.includes(tensor) || outputs.has(tensor)) return
    if (!sources.has(tensor)) found.push({ tensor, node })
  })
  return found
}

/** The values that cross besides `tensor` when everything that depends on it is put on the other side. */
export function alsoCrossing(graph: Graph, tensor: string): string[] {
  const { nodes, active, sources } = flowOf(graph)
  const after = new Set([tensor])
  const crossing = new Set<string>()
  for (const node of nodes) {
    if (!node.outputs.some((name) => active.has(name)) || node.outputs.includes(tensor)) continue
    const reads = readsOf(node)
    if (!reads.some((name) => after.has(name))) continue
    for (const name of outputsOf(node)) after.add(name)
    for (const name of reads) if (active.has(name) && !after.has(name)) crossing.add(name)
  }
  for (const { name } of graph.outputs) if (!after.has(name) && active.has(name)) crossing.add(name)
  for (const name of sources) if (after.has(name)) crossing.delete(name)
  return [...crossing]
}
