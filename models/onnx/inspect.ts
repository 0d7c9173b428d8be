import { multiplyAdds, parameterCount } from './count.ts'
import { cutPoints } from './cut-points.ts'
import type { DType } from './dtype.ts'
import type { Model, Node, ValueInfo } from './graph.ts'
import { readsOf } from './order.ts'
import { inferShapesPartly, type TensorType } from './shapes.ts'
import { byteLength, elementCount } from './tensor.ts'

/** One place where a model can be cut, and what the cut costs. */
export interface CutCost {
  readonly tensor: string
  /** Operator that makes the tensor. */
  readonly op: string
  readonly dtype: DType
  readonly dims: readonly number[]
  /** Multiply-adds of the head. */
  readonly headMacs: number
  /** `headMacs` as a part of all multiply-adds, 0 to 1. */
  readonly headShare: number
  /** Bytes of the tensor as it is. */
  readonly rawBytes: number
  /** Bytes when each element is quantised to 8 bits. */
  readonly uint8Bytes: number
}

/** What is in a model. */
export interface ModelReport {
  readonly producer: string
  readonly opset: number
  readonly inputs: readonly (ValueInfo & { readonly dims: readonly number[] })[]
  readonly outputs: readonly ValueInfo[]
  /** Number of nodes by operator, most frequent first. */
  readonly operators: readonly { readonly op: string; readonly count: number }[]
  readonly parameters: number
  readonly macs: number
  /** Every place to cut, in the order of computation. */
  readonly cuts: readonly CutCost[]
  /** What could not be told, and why. */
  readonly notes: readonly string[]
}

/** Input shapes with a free batch set to 1; `given` overrides. Other free dimensions stay for the caller to give. */
export function concreteInputs(
  model: Model,
  given: Readonly<Record<string, readonly number[]>> = {},
): Record<string, readonly number[]> {
  const shapes = new Map(Object.entries(given))
  for (const { name, dims } of model.graph.inputs) {
    if (shapes.has(name) || !dims) continue
    const filled = dims.map((dim, i) => (i === 0 && typeof dim !== 'number' ? 1 : dim))
    if (filled.every((dim) => typeof dim === 'number')) shapes.set(name, filled)
  }
  return Object.fromEntries(shapes)
}

/**
 * Looks into a model: operators, parameters, multiply-adds, and the places where it can be cut. Input shapes are as
 * for {@link concreteInputs}. Throws BAD_INPUT when a free dimension of an input must be given.
 */
export function inspectModel(
  model: Model,
  shapes: Readonly<Record<string, readonly number[]>> = {},
): ModelReport {
  const { graph } = model
  const { types, failures } = inferShapesPartly(model, concreteInputs(model, shapes))
  const notes = failures.map((failure) => failure.message)
  const uncounted = graph.nodes.filter((node) => multiplyAdds(node, types) === undefined)
  if (uncounted.length > 0) notes.push(`Multiply-adds of ${uncounted.length} nodes are not counted.`)
  if (graph.nodes.some((node) => readsOf(node).length > node.inputs.filter(Boolean).length)) {
    notes.push('Multiply-adds inside the branches of If and the bodies of Loop are not counted.')
  }
  const macs = graph.nodes.reduce((sum, node) => sum + (multiplyAdds(node, types) ?? 0), 0)
  return {
    producer: model.producer,
    opset: model.opsets[''] ?? 0,
    inputs: graph.inputs.map((input) => ({ ...input, dims: types.get(input.name)?.dims ?? [] })),
    outputs: graph.outputs,
    operators: operatorCounts(graph.nodes),
    parameters: parameterCount(graph),
    macs,
    cuts: cutCosts(model, types, macs),
    notes,
  }
}

function operatorCounts(nodes: readonly Node[]): { op: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const node of nodes) {
    const op = node.domain === '' ? node.op : `${node.domain}.${node.op}`
    counts.set(op, (counts.get(op) ?? 0) + 1)
  }
  return Array.from(counts, ([op, count]) => ({ op, count })).sort((a, b) => b.count - a.count)
}

/** Every node that is before a cut in one order of the nodes is before it in all: so one running sum will do. */
function cutCosts(model: Model, types: ReadonlyMap<string, TensorType>, macs: number): CutCost[] {
  const points = new Map(cutPoints(model.graph).map((point) => [point.node, point]))
  const costs: CutCost[] = []
  let headMacs = 0
  for (const node of model.graph.nodes) {
    headMacs += multiplyAdds(node, types) ?? 0
    const point = points.get(node)
    const type = point && types.get(point.tensor)
    if (!point || !type) continue
    costs.push({
      tensor: point.tensor,
      op: node.op,
      dtype: type.dtype,
      dims: type.dims,
      headMacs,
      headShare: macs > 0 ? headMacs / macs : 0,
      rawBytes: byteLength(type.dtype, type.dims),
      uint8Bytes: elementCount(type.dims),
    })
  }
  return costs
}

/**
 * The cuts worth a look: each sends less than all before it. Of neighbours that send the same for the same work
 * the last is kept (after the activation, where values are easier to quantise).
 */
export function sensibleCuts(cuts: readonly CutCost[]): CutCost[] {
  const kept: CutCost[] = []
  for (const cut of cuts) {
    const last = kept.at(-1)
    if (!last || cut.rawBytes < last.rawBytes) kept.push(cut)
    else if (cut.rawBytes === last.rawBytes && cut.headMacs === last.headMacs) kept[kept.length - 1] = cut
  }
  return kept
}
