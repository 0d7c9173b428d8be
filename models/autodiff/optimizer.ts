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

/** Name of the value that a vector of the state has after the step. */
export const nextOf = (vector: string): string => `next.${vector}`

/** Writes one optimiser step into the graph; the new parameters and moments are named by {@link nextOf}. */
export function writeUpdate(g: GraphBuilder, optimizer: Optimizer, update: Update): void {
  if (optimizer.kind === 'sgd') sgdUpdate(g, optimizer, update)
  else adamUpdate(g, optimizer, update)
}

const scale = (g: GraphBuilder, value: string, factor: number): string =>
  g.op('Mul', [value, g.scalar(factor)])

function sgdUpdate(g: GraphBuilder, { momentum, nesterov = false }: Sgd, update: Update): void {
  const { parameters, weightDecay, moments, rate } = update
  const [moment] = moments as [string]
  const gradient =
    weightDecay === 0 ? update.gradient : g.op('Add', [update.gradient, scale(g, parameters, weightDecay)])
  const velocity = g.op('Add', [scale(g, moment, momentum), gradient], {}, nextOf(moment))
  const direction = nesterov ? g.op('Add', [gradient, scale(g, velocity, momentum)]) : velocity
  g.op('Sub', [parameters, g.op('Mul', [direction, rate])], {}, nextOf(parameters))
}

function adamUpdate(
  g: GraphBuilder,
  { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: Adam,
  update: Update,
): void {
  const { parameters, gradient, weightDecay, rate } = update
  const [moment1, moment2] = update.moments as [string, string]
  const [correction1, correction2] = update.corrections as [string, string]
  const first = g.op('Add', [scale(g, moment1, beta1), scale(g, gradient, 1 - beta1)], {}, nextOf(moment1))
  const squared = scale(g, g.op('Mul', [gradient, gradient]), 1 - beta2)
  const second = g.op('Add', [scale(g, moment2, beta2), squared], {}, nextOf(moment2))
  const spread = g.op('Add', [
    g.op('Sqrt', [g.op('Mul', [second, correction2])]),
    g.constant(float32Tensor([epsilon], [])),
  ])
  // Scalars are multiplied with each other first: every pass over the vectors counts.
  const change = g.op('Mul', [g.op('Div', [first, spread]), g.op('Mul', [rate, correction1])])
  const kept = () => g.op('Sub', [g.scalar(1), scale(g, rate, weightDecay)])
  const decayed = weightDecay === 0 ? parameters : g.op('Mul', [parameters, kept()])
  g.op('Sub', [decayed, change], {}, nextOf(parameters))
}
