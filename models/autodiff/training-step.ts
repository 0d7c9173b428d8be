import {
  type ConstantTensor,
  GraphBuilder,
  inferShapes,
  int64Tensor,
  type Model,
  type Node,
  type TensorType,
} from '../onnx/index.ts'
import {
  runningAverages,
  updatedAverages,
  usesBatchStatistics,
  withBatchStatistics,
} from './batch-statistics.ts'
import { differentiate } from './differentiate.ts'
import { autodiffError } from './errors.ts'
import { correctionsOf, momentsOf, nextOf, type Optimizer, writeUpdate } from './optimizer.ts'
import { gather, type Layout, layoutOf, scatter } from './parameter-layout.ts'
import { writeAsProduct } from './window-products.ts'
import { writeByTiles } from './winograd.ts'

/** Parameters that share weight decay and learning rate. */
export interface ParameterGroup {
  readonly name: string
  /** Names of float32 initialisers of the forward graph. */
  readonly parameters: readonly string[]
  readonly weightDecay?: number
  /** Factor on the learning rate that is fed. Default 1. */
  readonly rateScale?: number
}

export interface TrainingStepOptions {
  /** The scalar output of the forward graph to minimise. */
  readonly loss: string
  /** Shape of every input of the forward graph, batch size included. */
  readonly inputDims: Readonly<Record<string, readonly number[]>>
  readonly groups: readonly ParameterGroup[]
  readonly optimizer: Optimizer
  /** Further values of the forward graph to return at every step. */
  readonly outputs?: readonly string[]
}

/** Everything that changes while training, as flat vectors by name. */
export type TrainingState = Record<string, Float32Array>

/**
 * One training step as one ONNX model. Its inputs are those of the forward graph, the scalar `rate`, the scalars of
 * `corrections`, and each vector of the state under its name; its outputs are the loss, the outputs asked for,
 * and each vector of the state under `next.<name>`.
 */
export interface TrainingStep {
  readonly model: Model
  /** Name of the output that is minimised. */
  readonly loss: string
  readonly corrections: readonly string[]
  /** Lengths of the state's vectors. */
  readonly stateLengths: Readonly<Record<string, number>>
  /** The state before the first step: the forward graph's own weights, moments zero. */
  initialState(): TrainingState
  /** The forward graph's initialisers as a state has them: views into the state. */
  parameters(state: TrainingState): Map<string, ConstantTensor>
}

const STATISTICS = 'statistics'

/**
 * Turns a forward graph into one graph that runs forward, backward and the optimiser step.
 * BatchNormalization nodes with training_mode = 1 use batch statistics and update their running averages
 * (variance unbiased) with the node's momentum; the others stay as they are.
 * Throws UNSUPPORTED_GRADIENT, UNSUPPORTED_OPSET, UNKNOWN_PARAMETER, BAD_OPTION, or what shape inference throws,
 * naming node and operator.
 */
export function compileTrainingStep(forward: Model, options: TrainingStepOptions): TrainingStep {
  const { graph } = forward
  const opset = forward.opsets[''] ?? 0
  if (opset < 14) {
    throw autodiffError(
      'UNSUPPORTED_OPSET',
      `Training needs operator set 14 or later, graph "${graph.name}" has ${opset}. Export it with a newer one.`,
    )
  }
  const types = inferShapes(forward, options.inputDims)
  const layouts = options.groups.map((group) => layoutOf(graph, group.parameters))
  const normalizations = graph.nodes.filter(usesBatchStatistics)
  const statistics = layoutOf(graph, normalizations.flatMap(runningAverages))
  refuseEmptyGroups(options.groups)
  const inState = [...layouts, statistics].flatMap((layout) => layout.slots.map((slot) => slot.name))
  refuseRepeats('a parameter or running average', inState)
  const g = new GraphBuilder(`${graph.name}.step`, opset, 'step/')
  for (const { name, dtype } of graph.inputs) g.input(name, dtype, types.get(name)!.dims)
  const rate = g.input('rate', 'float32', [])
  const corrections = correctionsOf(options.optimizer)
  for (const name of corrections) g.input(name, 'float32', [])
  const stateLengths: Record<string, number> = {}
  const stateInput = (name: string, length: number): string => {
    stateLengths[name] = length
    return g.input(name, 'float32', [length])
  }

  const vectors = options.groups.map((group, index) =>
    stateInput(`${group.name}.parameters`, layouts[index]!.length),
  )
  for (const [index, layout] of layouts.entries()) unpack(g, vectors[index]!, layout)
  if (statistics.length > 0) unpack(g, stateInput(STATISTICS, statistics.length), statistics)
  const changing = new Set(inState)
  for (const [name, tensor] of graph.initializers) if (!changing.has(name)) g.constant(tensor, name)
  const nodes = graph.nodes.map((node) =>
    usesBatchStatistics(node) ? withBatchStatistics(g, node, types.get(node.inputs[0]!)!.dims[1]!) : node,
  )
  const constants = constantsOf(graph.initializers, nodes)
  const parameters = layouts.flatMap((layout) => layout.slots.map((slot) => slot.name))
  const known = {
    dims: (value: string) => types.get(value)?.dims,
    dtype: (value: string) => types.get(value)?.dtype,
    constant: (value: string) => constants.get(value),
  }
  const trained = new Set(parameters)
  // A convolution whose kernel stays as it is runs, both ways, on the runtime's own blocked layout, three times faster than by tiles.
  const isFrozen = ({ inputs: [, kernel] }: Node): boolean =>
    kernel !== undefined && !trained.has(kernel) && constants.has(kernel)
  const patches = new Map<Node, string>()
  const tiles = new Map<Node, string>()
  for (const node of nodes) {
    const seen = writeAsProduct(g, node, known, trained)
    const cut = seen === undefined && !isFrozen(node) ? writeByTiles(g, node, known) : undefined
    if (seen !== undefined) patches.set(node, seen)
    else if (cut !== undefined) tiles.set(node, cut)
    else g.node(node)
  }
  const gradients = differentiate(
    { builder: g, nodes, ...known, patches: (node) => patches.get(node), tiles: (node) => tiles.get(node) },
    options.loss,
    parameters,
  )
  for (const [index, group] of options.groups.entries()) {
    const flat = layouts[index]!.slots.map(({ name, length }) => {
      const gradient = gradients.get(name)
      if (!gradient) {
        throw autodiffError(
          'UNKNOWN_PARAMETER',
          `"${name}" does not influence the loss; do not list it as a parameter.`,
        )
      }
      return g.op('Reshape', [gradient, g.ints([length])])
    })
    const { length } = layouts[index]!
    const moments = momentsOf(options.optimizer).map((moment) =>
      stateInput(`${group.name}.${moment}`, length),
    )
    writeUpdate(g, options.optimizer, {
      parameters: vectors[index]!,
      gradient: flat.length > 1 ? g.op('Concat', flat, { axis: 0 }) : flat[0]!,
      moments,
      rate: group.rateScale === undefined ? rate : g.op('Mul', [rate, g.scalar(group.rateScale)]),
      corrections,
      weightDecay: group.weightDecay ?? 0,
    })
    for (const vector of [vectors[index]!, ...moments])
      g.output(nextOf(vector), nextOf(vector), 'float32', [length])
  }
  if (statistics.length > 0) {
    const next = normalizations.flatMap((node) => updatedAverages(g, node, types.get(node.inputs[0]!)!.dims))
    g.output(g.op('Concat', next, { axis: 0 }), nextOf(STATISTICS), 'float32', [statistics.length])
  }
  for (const value of new Set([options.loss, ...(options.outputs ?? [])])) writeOutput(g, value, types)

  const model = g.build()
  refuseRepeats(
    'an input of the training step',
    model.graph.inputs.map((input) => input.name),
  )
  return {
    model,
    loss: options.loss,
    corrections,
    stateLengths,
    initialState() {
      const state: TrainingState = {}
      for (const [name, length] of Object.entries(stateLengths)) state[name] = new Float32Array(length)
      options.groups.forEach((group, index) => {
        state[`${group.name}.parameters`] = gather(graph, layouts[index]!)
      })
      if (statistics.length > 0) state[STATISTICS] = gather(graph, statistics)
      return state
    },
    parameters(state) {
      const result = new Map<string, ConstantTensor>()
      options.groups.forEach((group, index) => {
        for (const [name, tensor] of scatter(state[`${group.name}.parameters`]!, layouts[index]!))
          result.set(name, tensor)
      })
      if (statistics.length > 0) {
        for (const [name, tensor] of scatter(state[STATISTICS]!, statistics)) result.set(name, tensor)
      }
      return result
    },
  }
}

/** Gives each tensor of a flat vector its own name and shape back. */
function unpack(g: GraphBuilder, vector: string, layout: Layout): void {
  for (const { name, dims, offset, length } of layout.slots) {
    const part =
      length === layout.length
        ? vector
        : g.op('Slice', [vector, g.ints([offset]), g.ints([offset + length]), g.ints([0])])
    g.op('Reshape', [part, g.ints(dims)], {}, name)
  }
}

function writeOutput(g: GraphBuilder, value: string, types: ReadonlyMap<string, TensorType>): void {
  const type = types.get(value)
  if (!type) throw autodiffError('BAD_OPTION', `The graph has no value "${value}" to return.`)
  g.output(value, value, type.dtype, type.dims)
}

function refuseEmptyGroups(groups: readonly ParameterGroup[]): void {
  const empty = groups.find((group) => group.parameters.length === 0)
  if (empty) throw autodiffError('BAD_OPTION', `Group "${empty.name}" has no parameters; leave it out.`)
}

function refuseRepeats(what: string, names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) {
      throw autodiffError('BAD_OPTION', `"${name}" is ${what} twice. List it once, or rename one of the two.`)
    }
    seen.add(name)
  }
}

function constantsOf(
  initializers: ReadonlyMap<string, ConstantTensor>,
  nodes: readonly Node[],
): Map<string, ConstantTensor> {
  const constants = new Map(initializers)
  for (const node of nodes) {
    if (node.op !== 'Constant') continue
    const { value, value_ints: list, value_int: single } = node.attributes
    if (value?.type === 'tensor') constants.set(node.outputs[0]!, value.value)
    if (list?.type === 'ints') constants.set(node.outputs[0]!, int64Tensor(list.value))
    if (single?.type === 'int') constants.set(node.outputs[0]!, int64Tensor([single.value], []))
  }
  return constants
}
