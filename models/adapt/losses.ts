import { float32Tensor } from '../onnx/index.ts'
import type { GraphWithNorms } from './graph-with-norms.ts'

/** Entropy in nats of each row's softmax, [rows]. */
export function entropyOf({ g }: GraphWithNorms, logits: string): string {
  const logs = g.op('LogSoftmax', [logits], { axis: 1 })
  const products = g.op('Mul', [g.op('Exp', [logs]), logs])
  return g.op('Neg', [g.op('ReduceSum', [products, g.ints([1])], { keepdims: 0 })])
}

/** Inputs of {@link selectiveEntropyLoss} beside the images. */
export const selectiveInputs = {
  /** [rows]: 0 keeps a row out of the loss. */
  allowed: 'allowed',
  /** Entropies at or above do not count, in nats. */
  upper: 'upper',
  /** Probabilities that most answers resemble, [classes]. */
  centre: 'centre',
  /** Rows whose cosine with the centre is not below this do not count. */
  similarity: 'similarity',
  /** Weight of a row: exp(sharpness · (margin − entropy)). */
  sharpness: 'sharpness',
  margin: 'margin',
} as const

/**
 * The mean of weighted entropies over the rows that count (EATA, Niu et al. 2022; with nothing filtered and sharpness 0 it is
 * Tent's loss, Wang et al. 2021). Makes the outputs `entropy` and `selected`, [rows], and `loss`.
 */
export function selectiveEntropyLoss(net: GraphWithNorms, rows: number, classes: number): void {
  const { g, logits } = net
  const names = selectiveInputs
  g.input(names.allowed, 'float32', [rows])
  g.input(names.centre, 'float32', [classes])
  for (const name of [names.upper, names.similarity, names.sharpness, names.margin])
    g.input(name, 'float32', [])
  const entropy = entropyOf(net, logits)
  const held = net.hold(entropy)
  const probabilities = net.hold(g.op('Softmax', [logits], { axis: 1 }))
  const norm = (value: string, axis: number) =>
    g.op('Sqrt', [g.op('ReduceSum', [g.op('Mul', [value, value]), g.ints([axis])], { keepdims: 0 })])
  const dot = g.op('ReduceSum', [g.op('Mul', [probabilities, names.centre]), g.ints([1])], { keepdims: 0 })
  const lengths = g.op('Mul', [norm(probabilities, 1), norm(names.centre, 0)])
  const cosine = g.op('Div', [dot, g.op('Max', [lengths, g.scalar(1e-12)])])
  const flag = (condition: string) => g.op('Cast', [condition], { to: 1 })
  const isSure = flag(g.op('Less', [held, names.upper]))
  const isOther = flag(g.op('Less', [g.op('Abs', [cosine]), names.similarity]))
  const selected = g.op('Mul', [g.op('Mul', [isSure, isOther]), names.allowed])
  const weight = g.op('Exp', [g.op('Mul', [g.op('Sub', [names.margin, held]), names.sharpness])])
  const factors = net.hold(g.op('Mul', [selected, weight]))
  const total = g.op('ReduceSum', [g.op('Mul', [entropy, factors])], { keepdims: 0 })
  const count = g.op('Max', [net.hold(g.op('ReduceSum', [selected], { keepdims: 0 })), g.scalar(1)])
  g.output(g.op('Div', [total, count]), 'loss')
  g.output(g.op('Identity', [held]), 'entropy')
  g.output(g.op('Identity', [selected]), 'selected')
}

/** How much each part of the distillation loss counts, and how far both answers are softened. */
export interface DistillationWeights {
  /** Of the student's own entropy. */
  readonly alpha: number
  /** Of the divergence from the teacher. */
  readonly beta: number
  /** Of the cross-entropy with the teacher's best class. */
  readonly gamma: number
  readonly temperature: number
  /** Entropy at which a row has weight 1, in nats. */
  readonly margin: number
}

/**
 * α·H(s)·w(s) + β·T²·KL(t ‖ s)·w(t) + γ·CE(s, argmax t)·w(t), meaned over the rows, with w = exp(margin − entropy) held constant (CEMA,
 * Chen et al. 2024). Input `teacher`: its logits, [rows, classes]. Makes the output `loss`.
 */
export function distillationLoss(
  net: GraphWithNorms,
  rows: number,
  classes: number,
  { alpha, beta, gamma, temperature, margin }: DistillationWeights,
): void {
  const { g, logits } = net
  const teacher = g.input('teacher', 'float32', [rows, classes])
  const times = (value: string, factor: number) => g.op('Mul', [value, g.scalar(factor)])
  const overClasses = (value: string) => g.op('ReduceSum', [value, g.ints([1])], { keepdims: 0 })
  const weightOf = (entropy: string) => net.hold(g.op('Exp', [g.op('Sub', [g.scalar(margin), entropy])]))
  const entropy = entropyOf(net, logits)
  const own = g.op('Mul', [times(entropy, alpha), weightOf(entropy)])
  const softened = (value: string) => g.op('LogSoftmax', [times(value, 1 / temperature)], { axis: 1 })
  const [target, answer] = [softened(teacher), softened(logits)]
  const divergence = overClasses(g.op('Mul', [g.op('Exp', [target]), g.op('Sub', [target, answer])]))
  const logs = g.op('LogSoftmax', [logits], { axis: 1 })
  const best = bestClass(net, teacher, classes)
  const cross = g.op('Neg', [overClasses(g.op('Mul', [best, logs]))])
  const taught = g.op('Add', [times(divergence, beta * temperature ** 2), times(cross, gamma)])
  const perRow = g.op('Add', [own, g.op('Mul', [taught, weightOf(entropyOf(net, teacher))])])
  g.output(times(g.op('ReduceSum', [perRow], { keepdims: 0 }), 1 / rows), 'loss')
}

/** Mean cross-entropy of the rows with the class that each holds for the best. Makes the output `loss`. */
export function ownClassLoss(net: GraphWithNorms, rows: number, classes: number): void {
  const { g, logits } = net
  const logs = g.op('LogSoftmax', [logits], { axis: 1 })
  const products = g.op('Mul', [net.hold(bestClass(net, logits, classes)), logs])
  const total = g.op('ReduceSum', [products], { keepdims: 0 })
  g.output(g.op('Mul', [total, g.scalar(-1 / rows)]), 'loss')
}

/** One-hot rows of the best classes. */
function bestClass({ g }: GraphWithNorms, logits: string, classes: number): string {
  return g.op('OneHot', [
    g.op('ArgMax', [logits], { axis: 1, keepdims: 0 }),
    g.ints([classes]),
    g.constant(float32Tensor([0, 1])),
  ])
}
