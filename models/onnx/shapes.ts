import { IsthmusError } from '@isthmus/proto'
import { graphError } from './errors.ts'
import { describeNode, type Graph, type Model, type Node } from './graph.ts'
import { readsOf } from './order.ts'
import {
  mismatch,
  type NodeContext,
  type ShapeRule,
  type TensorType,
  unknownShape,
} from './shapes/context.ts'
import { elementwiseRules } from './shapes/elementwise.ts'
import { foldNode, smallElements } from './shapes/fold.ts'
import { layoutRules } from './shapes/layout.ts'
import { matrixRules } from './shapes/matrices.ts'
import { windowRules } from './shapes/windows.ts'

export type { TensorType } from './shapes/context.ts'

const rules: ReadonlyMap<string, ShapeRule> = new Map([
  ...elementwiseRules,
  ...windowRules,
  ...matrixRules,
  ...layoutRules,
])

interface Scope {
  readonly opsets: Readonly<Record<string, number>>
  readonly types: Map<string, TensorType>
  readonly known: Map<string, readonly number[]>
  /** Given when values whose shape cannot be inferred are left out instead of ending it all. */
  readonly failures?: IsthmusError[]
}

/**
 * Type and shape of every value of a model: inputs, initialisers and inner values, for inputs of these dims.
 * An input whose shape the model states in full may be left out of `inputs`.
 * Sizes that the graph computes (Shape, Gather, Concat, ... into a Reshape) are followed.
 * Throws UNSUPPORTED_OPERATOR, SHAPE_MISMATCH and SHAPE_UNKNOWN, naming the node, and BAD_INPUT naming the input.
 */
export function inferShapes(
  model: Model,
  inputs: Readonly<Record<string, readonly number[]>>,
): Map<string, TensorType> {
  const scope: Scope = { opsets: model.opsets, types: new Map(), known: new Map() }
  bindInputs(model.graph, inputs, scope)
  inferGraph(model.graph, scope)
  return scope.types
}

/**
 * Like {@link inferShapes}, but goes on past nodes whose shapes cannot be inferred. Their results have the shape
 * that the model states, if it states one in full; `failures` says why for each node that was passed.
 */
export function inferShapesPartly(
  model: Model,
  inputs: Readonly<Record<string, readonly number[]>>,
): { readonly types: Map<string, TensorType>; readonly failures: readonly IsthmusError[] } {
  const scope = { opsets: model.opsets, types: new Map(), known: new Map(), failures: [] }
  bindInputs(model.graph, inputs, scope)
  inferGraph(model.graph, scope)
  return scope
}

function bindInputs(graph: Graph, given: Readonly<Record<string, readonly number[]>>, scope: Scope): void {
  const names = graph.inputs.map((input) => input.name)
  for (const name of Object.keys(given)) {
    if (!names.includes(name))
      throw badInput(`The model has no input "${name}". It has: ${names.join(', ')}.`)
  }
  for (const { name, dtype, dims: declared } of graph.inputs) {
    const dims = Object.hasOwn(given, name) ? given[name] : declared
    const stated = declared ? `[${declared.map((dim) => dim ?? '?')}]` : 'any shape'
    if (!dims?.every((dim) => typeof dim === 'number' && Number.isSafeInteger(dim) && dim >= 0)) {
      throw badInput(`Give the shape of input "${name}" in whole numbers; the model states ${stated}.`)
    }
    const fits = declared?.every((dim, i) => typeof dim !== 'number' || dim === dims[i]) ?? true
    if (!fits || (declared && declared.length !== dims.length)) {
      throw badInput(`Input "${name}" has shape ${stated} in the model, which [${dims}] does not fit.`)
    }
    scope.types.set(name, { dtype, dims: dims as readonly number[] })
  }
}

const badInput = (message: string): IsthmusError => graphError('BAD_INPUT', message)

function inferGraph(graph: Graph, scope: Scope): void {
  for (const [name, tensor] of graph.initializers) {
    scope.types.set(name, { dtype: tensor.dtype, dims: tensor.dims })
    const elements = smallElements(tensor)
    if (elements) scope.known.set(name, elements)
  }
  for (const node of graph.nodes) {
    if (scope.failures) inferNodePartly(node, graph, scope, scope.failures)
    else inferNode(node, scope)
  }
}

function inferNodePartly(node: Node, graph: Graph, scope: Scope, failures: IsthmusError[]): void {
  try {
    if (readsOf(node).every((name) => scope.types.has(name))) inferNode(node, scope)
  } catch (error) {
    if (!(error instanceof IsthmusError)) throw error
    failures.push(error)
  }
  for (const name of node.outputs) {
    const stated = graph.values.get(name)
    if (scope.types.has(name) || !stated?.dims?.every((dim) => typeof dim === 'number')) continue
    scope.types.set(name, { dtype: stated.dtype, dims: stated.dims as readonly number[] })
  }
}

function inferNode(node: Node, scope: Scope): void {
  const context: NodeContext = {
    node,
    opset: scope.opsets[node.domain] ?? 1,
    types: node.inputs.map((name) => (name === '' ? undefined : typeOf(name, node, scope))),
    known: node.inputs.map((name) => scope.known.get(name)),
  }
  const { types, elements } = inferOutputs(context, scope)
  node.outputs.forEach((name, i) => {
    if (name === '') return
    const type = types[i]
    if (!type) throw unknownShape(context, `output ${i} is not one that the operator has`)
    if (!type.dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) {
      throw mismatch(context, `output ${i} would have the impossible shape [${type.dims}]`)
    }
    scope.types.set(name, type)
    if (elements[i]) scope.known.set(name, elements[i])
  })
}

interface Inferred {
  readonly types: readonly TensorType[]
  readonly elements: readonly (readonly number[])[]
}

function inferOutputs(context: NodeContext, scope: Scope): Inferred {
  const { node } = context
  try {
    const subgraphs = node.domain === '' ? controlFlow.get(node.op) : undefined
    if (subgraphs) return { types: subgraphs(context, scope), elements: [] }
    const types = ruleOf(node)(context)
    return { types, elements: foldNode(context, types) }
  } catch (error) {
    if (error instanceof IsthmusError) throw error
    // Rules trust the form of a node; one that lacks inputs or has senseless attributes ends here.
    throw graphError('SHAPE_MISMATCH', `${describeNode(node)} is malformed. Export the model again.`, error)
  }
}

function typeOf(name: string, node: Node, scope: Scope): TensorType {
  const type = scope.types.get(name)
  if (!type) {
    throw graphError(
      'UNSUPPORTED_MODEL',
      `${describeNode(node)} reads "${name}", which nothing before it makes. Export the model again.`,
    )
  }
  return type
}

function ruleOf(node: Node): ShapeRule {
  const rule = node.domain === '' ? rules.get(node.op) : undefined
  if (!rule) {
    const domain = node.domain === '' ? '' : ` of operator set "${node.domain}"`
    throw graphError(
      'UNSUPPORTED_OPERATOR',
      `${describeNode(node)}: no shape rule for operator ${node.op}${domain}. Replace it, or cut the model before it.`,
    )
  }
  return rule
}

/** Subgraphs see the values around them, and keep theirs to themselves; what fails in them fails their node. */
const innerScope = (scope: Scope): Scope => ({
  opsets: scope.opsets,
  types: new Map(scope.types),
  known: new Map(scope.known),
})

function bodyOf(context: NodeContext, name: string): Graph {
  const attribute = context.node.attributes[name]
  if (attribute?.type !== 'graph') throw mismatch(context, `it has no ${name}`)
  return attribute.value
}

/** Both branches of an If must agree, unless the condition is known. */
function inferBranches(context: NodeContext, scope: Scope): TensorType[] {
  const condition = context.known[0]?.[0]
  const branchTypes = (name: string): TensorType[] => {
    const branch = bodyOf(context, name)
    const inner = innerScope(scope)
    inferGraph(branch, inner)
    return branch.outputs.map((output) => typeOf(output.name, context.node, inner))
  }
  if (condition !== undefined) return branchTypes(condition ? 'then_branch' : 'else_branch')
  const yes = branchTypes('then_branch')
  const no = branchTypes('else_branch')
  yes.forEach((type, i) => {
    if (`${type.dims}` !== `${no[i]?.dims}`) {
      throw unknownShape(context, `its branches give [${type.dims}] and [${no[i]?.dims}]`)
    }
  })
  return yes
}

/** A Loop whose carried values keep their shapes; collected values need a trip count that is known. */
function inferLoop(context: NodeContext, scope: Scope): TensorType[] {
  const body = bodyOf(context, 'body')
  const inner = innerScope(scope)
  const carried = context.types.slice(2)
  const fed: (TensorType | undefined)[] = [
    { dtype: 'int64', dims: [] },
    { dtype: 'bool', dims: [] },
    ...carried,
  ]
  body.inputs.forEach((input, i) => {
    if (fed[i]) inner.types.set(input.name, fed[i])
  })
  inferGraph(body, inner)
  const trips = context.types[1] === undefined ? context.known[0]?.[0] : undefined
  return body.outputs.slice(1).map((output, i) => {
    const type = typeOf(output.name, context.node, inner)
    const before = carried[i]
    if (i < carried.length) {
      if (`${before?.dims}` === `${type.dims}`) return type
      throw unknownShape(context, `"${output.name}" changes its shape from turn to turn`)
    }
    if (trips === undefined)
      throw unknownShape(context, `the length of "${output.name}" is only known when it runs`)
    return { dtype: type.dtype, dims: [Math.max(0, trips), ...type.dims] }
  })
}

const controlFlow = new Map([
  ['If', inferBranches],
  ['Loop', inferLoop],
])
