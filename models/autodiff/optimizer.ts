import { float32Tensor, type GraphBuilder } from '../onnx/index.ts'

/** Stochastic gradient descent with (Nesterov) momentum, as in Sutskever et al. 2013. */
export interface Sgd {
  readonly kind: 'sgd'
  readonly momentum: number
  readonly nesterov?: boolean
}

/** Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter 2019). */
export interface Adam {
  readonly kind: 'adam'
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
}

export type Optimizer = Sgd | Adam

/** The moments that an optimiser keeps beside each parameter. */
export const momentsOf = (optimizer: Optimizer): readonly string[] =>
  optimizer.kind === 'sgd' ? ['momentum'] : ['moment1', 'moment2']

/** Scalars that are fed at every step, besides the learning rate. */
export const correctionsOf = (optimizer: Optimizer): readonly string[] =>
  optimizer.kind === 'sgd' ? [] : ['correction1', 'correction2']

/** Values for `correctionsOf` at step `step`, counted from 1: Adam's 1 / (1 − βᵗ). */
export function corrections(optimizer: Optimizer, step: number): number[] {
  if (optimizer.kind === 'sgd') return []
  const { beta1 = 0.9, beta2 = 0.999 } = optimizer
  return [1 / (1 - beta1 ** step), 1 / (1 - beta2 ** step)]
}

export interface Update {
  readonly parameters: string
  readonly gradient: string
  /** In the order of `momentsOf`. */
  readonly moments: readonly string[]
  /** Scalar value: the learning rate of this group. */
  readonly rate: string
  readonly corrections: readonly string[]
  readonly weightDecay: number
}

/** Writes one optimiser step into the graph; returns the new parameters and the new moments. */
export function writeUpdate(
  g: GraphBuilder,
  optimizer: Optimizer,
  update: Update,
): { parameters: string; moments: readonly string[] } {
  return optimizer.kind === 'sgd' ? sgdUpdate(g, optimizer, update) : adamUpdate(g, optimizer, update)
}

const scale = (g: GraphBuilder, value: string, factor: number): string =>
  g.op('Mul', [value, g.scalar(factor)])

function sgdUpdate(g: GraphBuilder, { momentum, nesterov = false }: Sgd, update: Update) {
  const { parameters, weightDecay, moments, rate } = update
  const gradient =
    weightDecay === 0 ? update.gradient : g.op('Add', [update.gradient, scale(g, parameters, weightDecay)])
  const velocity = g.op('Add', [scale(g, moments[0]!, momentum), gradient])
  const direction = nesterov ? g.op('Add', [gradient, scale(g, velocity, momentum)]) : velocity
  return { parameters: g.op('Sub', [parameters, g.op('Mul', [direction, rate])]), moments: [velocity] }
}

function adamUpdate(g: GraphBuilder, { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: Adam, update: Update) {
  const { parameters, gradient, weightDecay, moments, rate } = update
  const [correction1, correction2] = update.corrections as [string, string]
  const first = g.op('Add', [scale(g, moments[0]!, beta1), scale(g, gradient, 1 - beta1)])
  const squared = g.op('Mul', [gradient, gradient])
  const second = g.op('Add', [scale(g, moments[1]!, beta2), scale(g, squared, 1 - beta2)])
  const spread = g.op('Add', [
    g.op('Sqrt', [g.op('Mul', [second, correction2])]),
    g.constant(float32Tensor([epsilon], [])),
  ])
  const direction = g.op('Div', [g.op('Mul', [first, correction1]), spread])
  const decayed = weightDecay === 0 ? direction : g.op('Add', [direction, scale(g, parameters, weightDecay)])
  return { parameters: g.op('Sub', [parameters, g.op('Mul', [decayed, rate])]), moments: [first, second] }
}
