import { IsthmusError } from '@isthmus/proto'
import { graphError } from './errors.ts'
import { describeNode, type Graph, type Model, type Node } from './graph.ts'
import { readsOf } from './order.ts'
import { type NodeContext, type ShapeRule, type TensorType, unknownShape } from './shapes/context.ts'
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
    const dims = given[name] ?? declared
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
  const branches = node.op === 'If' && node.domain === '' ? inferBranches(context, scope) : undefined
  const types = branches ?? ruleOf(node)(context)
  const elements = branches ? [] : foldNode(context, types)
  node.outputs.forEach((name, i) => {
    if (name === '') return
    const type = types[i]
    if (!type) throw unknownShape(context, `output ${i} is not one that the operator has`)
    scope.types.set(name, type)
    if (elements[i]) scope.known.set(name, elements[i])
  })
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

/** Both branches of an If must agree, unless the condition is known. Branches see the values around them. */
function inferBranches(context: NodeContext, scope: Scope): TensorType[] {
  const condition = context.known[0]?.[0]
  const branchTypes = (name: string): TensorType[] => {
    const branch = context.node.attributes[name]
    if (branch?.type !== 'graph') throw unknownShape(context, `it has no ${name}`)
    const inner: Scope = { ...scope, types: new Map(scope.types), known: new Map(scope.known) }
    inferGraph(branch.value, inner)
    return branch.value.outputs.map((output) => typeOf(output.name, context.node, inner))
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
