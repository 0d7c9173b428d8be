import type { IsthmusError } from '@isthmus/proto'
import { boundaryInfo } from './boundary.ts'
import { alsoCrossing, cutPoints, flowOf } from './cut-points.ts'
import { graphError } from './errors.ts'
import { describeNode, type Graph, type Model, type Node, type ValueInfo } from './graph.ts'
import { nearestNames } from './nearest-names.ts'
import { producersOf, readsOf, sortNodes } from './order.ts'
import type { ConstantTensor } from './tensor.ts'

/** The two parts of a cut model. */
export interface CutModel {
  /** From the inputs to the cut tensor. */
  readonly head: Model
  /** From the cut tensor to the outputs. */
  readonly tail: Model
}

/**
 * Cuts a model in two at `tensor`. Head and tail share the weights of `model` without a copy; a weight (or what is
 * computed from weights alone) that both need is in both.
 * Throws CANNOT_CUT, which says what else would have to cross or which tensors have a similar name.
 */
export function cut(model: Model, tensor: string): CutModel {
  const { graph } = model
  if (!cutPoints(graph).some((point) => point.tensor === tensor)) throw refusal(graph, tensor)
  const boundary = boundaryInfo(model, tensor)
  const part = (name: string, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Model => ({
    ...model,
    graph: subgraph(graph, `${graph.name}_${name}`, inputs, outputs),
  })
  return { head: part('head', graph.inputs, [boundary]), tail: part('tail', [boundary], graph.outputs) }
}

/** The part of `graph` that computes `outputs` from `inputs`. */
function subgraph(
  graph: Graph,
  name: string,
  inputs: readonly ValueInfo[],
  outputs: readonly ValueInfo[],
): Graph {
  const sorted = sortNodes(graph.nodes)
  const producers = producersOf(sorted)
  const given = new Set(inputs.map((input) => input.name))
  const nodes = new Set<Node>()
  const names = new Set<string>()
  const pending = outputs.map((output) => output.name)
  while (pending.length > 0) {
    const value = pending.pop()!
    if (given.has(value) || names.has(value)) continue
    names.add(value)
    const node = producers.get(value)
    if (!node || nodes.has(node)) continue
    nodes.add(node)
    for (const name of readsOf(node)) pending.push(name)
  }
  const initializers = new Map<string, ConstantTensor>()
  for (const [key, value] of graph.initializers) if (names.has(key)) initializers.set(key, value)
  const values = new Map<string, ValueInfo>()
  for (const [key, value] of graph.values) {
    if (names.has(key) && !outputs.some((output) => output.name === key)) values.set(key, value)
  }
  return { name, nodes: sorted.filter((node) => nodes.has(node)), inputs, outputs, initializers, values }
}

const list = (names: readonly string[]): string => {
  const shown = names.slice(0, 4).map((name) => `"${name}"`)
  return names.length > 4 ? `${shown.join(', ')} and ${names.length - 4} more` : shown.join(', ')
}

const cannotCut = (tensor: string, why: string): IsthmusError =>
  graphError('CANNOT_CUT', `Cannot cut at "${tensor}": ${why}`)

/** Says why `tensor` is no place to cut, and which are. */
function refusal(graph: Graph, tensor: string): IsthmusError {
  const places = cutPoints(graph).map((point) => point.tensor)
  if (places.length === 0) {
    return cannotCut(
      tensor,
      'no single tensor of this model carries everything from its inputs to its outputs.',
    )
  }
  const { nodes, active } = flowOf(graph)
  const node = producersOf(nodes).get(tensor)
  if (graph.inputs.some((input) => input.name === tensor)) {
    return cannotCut(tensor, `it is an input of the model. The first place to cut is "${places[0]}".`)
  }
  if (graph.initializers.has(tensor)) {
    return cannotCut(tensor, `it is a weight. Places to cut: ${list(places)}.`)
  }
  if (!node) {
    return cannotCut(
      tensor,
      `the model has no such tensor. Similar places: ${list(nearestNames(tensor, places))}.`,
    )
  }
  if (!active.has(tensor)) {
    const why = 'it does not lie between the inputs and the outputs'
    return cannotCut(tensor, `${why} (${describeNode(node)}). Places to cut: ${list(places)}.`)
  }
  if (graph.outputs.some((output) => output.name === tensor)) {
    return cannotCut(tensor, `it is an output of the model. The last place to cut is "${places.at(-1)}".`)
  }
  const crossing = alsoCrossing(graph, tensor)
  const outputs = new Set(graph.outputs.map((output) => output.name))
  const early = crossing.filter((name) => outputs.has(name))
  const reason =
    early.length > 0
      ? `output ${list(early)} does not come from it`
      : `${list(crossing)} would have to cross as well`
  return cannotCut(tensor, `${reason}. ${neighbours(nodes, places, node)}`)
}

/** The nearest places before and after a node, in the order of computation. */
function neighbours(nodes: readonly Node[], places: readonly string[], node: Node): string {
  const position = new Map<string, number>()
  nodes.forEach((other, i) => {
    for (const name of other.outputs) position.set(name, i)
  })
  const here = nodes.indexOf(node)
  const before = places.findLast((name) => position.get(name)! < here)
  const after = places.find((name) => position.get(name)! > here)
  const near = [before && `"${before}" before it`, after && `"${after}" after it`].filter(Boolean)
  return `Nearest places: ${near.join(', ')}.`
}
