import { type Random, seededRandom } from '../../data/random.ts'
import { elementCount, GraphBuilder, inferShapes, type Node, writeModel } from '../../onnx/index.ts'
import { openSession, type Tensor } from '../../runtime/index.ts'
import { differentiate } from '../differentiate.ts'
import { writeByTiles } from '../winograd.ts'
import { type Choices, type GradientCase, gradientCases } from './cases/index.ts'
import { type Dense, dense } from './dense.ts'
import { interpret, referenceRules } from './interpret.ts'

/** What a case showed. Errors are relative to the largest element. */
export interface CaseErrors {
  /** ONNX Runtime's outputs against the interpreter's. */
  readonly outputs: number
  /** Analytic gradients in float32 against central differences in float64. */
  readonly gradients: number
}

/** Half the distance of a central difference; its error is of the order of the square. */
const HALF_STEP = 1e-5
/** Central differences are taken at so many elements of each input. */
const PROBES = 24
/** A gradient whose elements are all smaller counts as zero; its error is measured against this. */
const SMALL = 1e-2

/**
 * Differentiates the sum of the case's outputs, each element times a random weight, by its `wrt` inputs: once by
 * the gradient rules and ONNX Runtime, once by central differences of the interpreter.
 */
export async function checkCase(
  { opset, inputs, write, byTiles = false }: GradientCase,
  wrt: readonly string[],
  random: Random,
): Promise<CaseErrors> {
  const g = new GraphBuilder('case', opset)
  for (const [name, { dims }] of Object.entries(inputs)) g.input(name, 'float32', dims)
  const outputs = write(g)
  const forward = g.build()
  const nodes = [...forward.graph.nodes]
  const initializers = new Map(forward.graph.initializers)
  const given = new Map(Object.entries(inputs))
  const expected = interpret(nodes, initializers, given)
  const weights = new Map(outputs.map((name) => [name, weightsFor(expected.get(name)!, random)]))

  const loss = writeLoss(g, weights)
  const whole = g.build()
  const types = inferShapes(whole, {})
  const known = {
    dims: (value: string) => types.get(value)?.dims,
    constant: (value: string) => forward.graph.initializers.get(value),
  }
  const run = new GraphBuilder('run', opset, 'run/')
  for (const [name, { dims }] of Object.entries(inputs)) run.input(name, 'float32', dims)
  for (const [name, constant] of whole.graph.initializers) run.constant(constant, name)
  const tiles = new Map<Node, string | undefined>()
  for (const node of whole.graph.nodes) {
    tiles.set(node, byTiles ? writeByTiles(run, node, known) : undefined)
    if (tiles.get(node) === undefined) run.node(node)
  }
  const pass = { builder: run, nodes: whole.graph.nodes, ...known, tiles: (node: Node) => tiles.get(node) }
  const gradients = differentiate(pass, loss, wrt)
  for (const name of outputs) run.output(name)
  for (const [name, gradient] of gradients) run.output(gradient, `gradient.${name}`)
  const actual = await runOnce(writeModel(run.build()), inputs)

  const errors = { outputs: 0, gradients: 0 }
  for (const name of outputs) {
    const difference = relativeError(expected.get(name)!.data, actual[name]!, expected.get(name)!.dims)
    errors.outputs = Math.max(errors.outputs, difference)
  }
  for (const name of wrt) {
    const probes = pick(inputs[name]!.data.length, PROBES, random)
    const numeric = probes.map((at) => slope(nodes, initializers, given, weights, name, at))
    const analytic = actual[`gradient.${name}`]
    if (!analytic || `${analytic.dims}` !== `${inputs[name]!.dims}`) {
      throw new Error(`The gradient by ${name} has shape [${analytic?.dims}], not [${inputs[name]!.dims}].`)
    }
    const chosen = probes.map((at) => Number(analytic.data[at]))
    errors.gradients = Math.max(errors.gradients, relativeDistance(numeric, chosen))
  }
  return errors
}

const weightsFor = ({ dims, data }: Dense, random: Random): Dense =>
  dense(
    dims,
    data.map(() => Math.fround((random.uniform() < 0.5 ? -1 : 1) * (0.5 + random.uniform()))),
  )

function writeLoss(g: GraphBuilder, weights: ReadonlyMap<string, Dense>): string {
  const sums = [...weights].map(([name, { dims, data }]) => {
    const bytes = new Uint8Array(Float32Array.from(data).buffer)
    const weighted = g.op('Mul', [name, g.constant({ dtype: 'float32', dims, bytes })])
    return g.op('ReduceSum', [weighted], { keepdims: 0 })
  })
  return sums.reduce((sum, term) => g.op('Add', [sum, term]))
}

async function runOnce(
  model: Uint8Array,
  inputs: Readonly<Record<string, Dense>>,
): Promise<Record<string, Tensor>> {
  const session = await openSession(model)
  try {
    const feeds: Record<string, Tensor> = {}
    for (const { name } of session.inputs) {
      const { dims, data } = inputs[name]!
      feeds[name] = { dtype: 'float32', dims, data: Float32Array.from(data) }
    }
    return await session.run(feeds)
  } finally {
    await session.dispose()
  }
}

/** In the numeric derivative a straight-through operator is the identity that its gradient takes it for. */
const smoothRules = { ...referenceRules, Round: referenceRules.Identity! }

function slope(
  nodes: readonly Node[],
  initializers: Parameters<typeof interpret>[1],
  given: ReadonlyMap<string, Dense>,
  weights: ReadonlyMap<string, Dense>,
  name: string,
  at: number,
): number {
  const lossAt = (step: number): number => {
    const { dims, data } = given.get(name)!
    const moved = Float64Array.from(data)
    moved[at]! += step
    const values = interpret(nodes, initializers, new Map(given).set(name, dense(dims, moved)), smoothRules)
    let loss = 0
    for (const [output, factors] of weights) {
      const { data: elements } = values.get(output)!
      for (let index = 0; index < elements.length; index++) loss += elements[index]! * factors.data[index]!
    }
    return loss
  }
  return (lossAt(HALF_STEP) - lossAt(-HALF_STEP)) / (2 * HALF_STEP)
}

/** Up to `count` different places below `length`, in no order. */
function pick(length: number, count: number, random: Random): number[] {
  const places = Array.from({ length }, (_, place) => place)
  for (let index = 0; index < Math.min(count, length); index++) {
    const other = index + random.below(length - index)
    ;[places[index], places[other]] = [places[other]!, places[index]!]
  }
  return places.slice(0, count)
}

function relativeError(expected: Float64Array, actual: Tensor, dims: readonly number[]): number {
  if (`${actual.dims}` !== `${dims}` || actual.data.length !== elementCount(dims)) return Infinity
  return relativeDistance(Array.from(expected), Array.from(actual.data, Number))
}

/** Largest difference over the largest element; Infinity where something is not a number. */
function relativeDistance(expected: readonly number[], actual: readonly number[]): number {
  let difference = 0
  let largest = SMALL
  expected.forEach((value, index) => {
    difference = Math.max(difference, Math.abs(value - actual[index]!))
    largest = Math.max(largest, Math.abs(value))
  })
  return Number.isNaN(difference) ? Infinity : difference / largest
}

/** The worst that was seen of an operator's gradients. */
export interface GradientError {
  readonly operator: string
  /** Largest difference from central differences, relative to the largest element of the gradient. */
  readonly maxRelErr: number
}

const RUNS_PER_OPERATOR = 20

/** Checks the gradients of each operator on some random cases (20 each, a few seconds in all); repeatable by seed. */
export async function gradientErrors(seed: number): Promise<GradientError[]> {
  const results: GradientError[] = []
  for (const [at, [operator, make]] of Object.entries(gradientCases).entries()) {
    let maxRelErr = 0
    for (let run = 0; run < RUNS_PER_OPERATOR; run++) {
      const choose = randomChoices(seededRandom(seed, at, run))
      const sample = make(choose)
      const { gradients } = await checkCase(sample, Object.keys(sample.inputs), choose.random)
      maxRelErr = Math.max(maxRelErr, gradients)
    }
    results.push({ operator, maxRelErr })
  }
  return results
}

const randomChoices = (random: Random): Choices => ({
  integer: (min, max) => min + random.below(max - min + 1),
  pick: (items) => items[random.below(items.length)]!,
  random,
})
