import type { Graph } from '../onnx/index.ts'
import { endsInSoftmax } from '../pack/network.ts'
import { bottleneckError } from './errors.ts'

/**
 * What a teacher's outputs are. `scores` are numbers from 0 to 1 that do not add up to 1 (a sigmoid each): no distribution to learn from, so
 * only features are matched.
 */
export type AnswerKind = 'logits' | 'probabilities' | 'scores'

/** Tells what the answers to some photos are. Throws NOT_A_CLASSIFIER for answers that are not finite, or the same for all classes. */
export function answerKind(graph: Graph, answers: readonly Float32Array[]): AnswerKind {
  const all = (test: (values: Float32Array) => boolean) => answers.every(test)
  if (!all((values) => values.every(Number.isFinite))) {
    throw bottleneckError(
      'NOT_A_CLASSIFIER',
      'The teacher answers a photo with NaN or infinity. Is --scale what it was trained with?',
    )
  }
  const sum = (values: Float32Array) => values.reduce((total, value) => total + value, 0)
  const within = all((values) => values.every((value) => value >= 0 && value <= 1))
  if (endsInSoftmax(graph) || (within && all((values) => Math.abs(sum(values) - 1) < 1e-3)))
    return 'probabilities'
  return within ? 'scores' : 'logits'
}

/** The number of classes that an output of this shape (without the batch) stands for. Throws NOT_A_CLASSIFIER. */
export function classCount(name: string, dims: readonly number[]): number {
  const count = dims.reduce((product, dim) => product * dim, 1)
  if (dims.filter((dim) => dim > 1).length === 1 && count >= 2) return count
  throw bottleneckError(
    'NOT_A_CLASSIFIER',
    `The teacher's output "${name}" is [N,${dims}]: a classifier gives one number for each of two classes or more. Detectors and others cannot be evaluated here.`,
  )
}

/** Probabilities of what a teacher answered. */
export function asProbabilities(values: Float32Array, kind: AnswerKind): Float32Array {
  if (kind !== 'logits') return values
  const most = values.reduce((a, b) => Math.max(a, b))
  const powers = values.map((value) => Math.exp(value - most))
  const sum = powers.reduce((total, value) => total + value, 0)
  return powers.map((value) => value / sum)
}

/** The class with the largest value; the first of equals. */
export function bestClass(values: Float32Array): number {
  let best = 0
  for (let at = 1; at < values.length; at++) if (values[at]! > values[best]!) best = at
  return best
}
