import type { RandomStream } from '../env/index.ts'

/** How agents hear of each other. */
export type Communication = 'bidirectional' | 'attention' | 'none'

/** Sizes of an actor. */
export interface ActorShape {
  /** Numbers of a row. */
  readonly row: number
  /** Width of encoder, memory and head. */
  readonly hidden: number
  /** Numbers that an agent tells of each place. */
  readonly message: number
  /** Width of what an agent makes of the others' messages, from each side. */
  readonly heard: number
  readonly communication: Communication
  /** Whether it says of each place, too, which share of a task that can be divided goes there. Left out: tasks are whole. */
  readonly ratio?: true
}

/** Weights by name. */
export type ActorWeights = ReadonlyMap<string, Float32Array>

/** The two ways along the row of agents. */
export const DIRECTIONS = ['forward', 'backward'] as const

/** Numbers that an agent hears of each place from one side: a state, the sum of claims, and the sums of messages and of claimed ones. */
export const sideWidth = ({ heard, message }: ActorShape): number => heard + 1 + 2 * message

/** From both sides. */
export const heardWidth = (shape: ActorShape): number => 2 * sideWidth(shape)

/** Shape of each weight, `[in, out]` for a matrix. */
export function actorDims(shape: ActorShape): Record<string, readonly number[]> {
  const { row, hidden, message, heard, communication, ratio } = shape
  const dims: Record<string, readonly number[]> = {
    'encoder.weight': [row, hidden],
    'encoder.bias': [hidden],
  }
  if (communication !== 'none') {
    dims['message.weight'] = [hidden, message]
    dims['message.bias'] = [message]
  }
  if (communication === 'bidirectional') {
    for (const direction of DIRECTIONS) {
      dims[`${direction}.claim`] = [message + heard + 1, 1]
      dims[`${direction}.input`] = [message, 3 * heard]
      dims[`${direction}.claimed`] = [2, 3 * heard]
      dims[`${direction}.state`] = [heard, 3 * heard]
      dims[`${direction}.bias`] = [3 * heard]
    }
  }
  if (communication === 'attention') {
    dims['attention.query'] = [message, heard]
    dims['attention.key'] = [message, heard]
    dims['attention.value'] = [message, heardWidth(shape)]
  }
  const input = hidden + heardWidth(shape)
  return {
    ...dims,
    'memory.input': [input, 4 * hidden],
    'memory.state': [hidden, 4 * hidden],
    'memory.bias': [4 * hidden],
    'head.input': [input, hidden],
    'head.memory': [hidden, hidden],
    'head.pooled': [input, hidden],
    'head.bias': [hidden],
    'output.weight': [hidden, 1],
    'skip.weight': [row, 1],
    ...(ratio && { 'ratio.weight': [hidden, 1], 'ratio.skip': [row, 1] }),
  }
}

export const lengthOf = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1)

export const actorParameters = (shape: ActorShape): number =>
  Object.values(actorDims(shape)).reduce((sum, dims) => sum + lengthOf(dims), 0)

/** Logit that a 1 in the last number of a row stands for where there are ratios: 0.99. */
export const RATIO_LOGIT = Math.log(99)

/** Weights of a new actor through which nothing goes. */
const SILENT = new Set(['output.weight', 'ratio.weight'])

/**
 * First weights: Glorot and Bengio 2010 for matrices, the forget gate open (Jozefowicz et al. 2015), nothing goes out but the
 * first number of a row times `face`, so that a new actor takes the place that is best on its face; and the last one, as
 * the logit of a ratio over {@link RATIO_LOGIT}, so that it divides a task as is best on its face.
 */
export function initialActor(shape: ActorShape, random: RandomStream, face = 10): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>()
  for (const [name, dims] of Object.entries(actorDims(shape))) {
    const values = new Float32Array(lengthOf(dims))
    if (name === 'skip.weight') values[0] = face
    else if (name === 'ratio.skip') values[values.length - 1] = RATIO_LOGIT
    else if (name === 'memory.bias') values.fill(1, shape.hidden, 2 * shape.hidden)
    else if (dims.length === 2 && !SILENT.has(name)) {
      const deviation = Math.sqrt(2 / (dims[0]! + dims[1]!))
      for (let at = 0; at < values.length; at++) values[at] = deviation * random.normal()
    }
    weights.set(name, values)
  }
  return weights
}
