import type { RandomStream } from '../env/index.ts'
import { lengthOf } from './actor-shape.ts'

/** Sizes of a critic: numbers of a row, and width of its layers and memory. */
export interface CriticShape {
  readonly row: number
  readonly hidden: number
  /** Whether it sees which share of its task each agent sends away. */
  readonly ratio?: true
}

/** Shape of each weight, `[in, out]` for a matrix. */
export function criticDims({ row, hidden, ratio }: CriticShape): Record<string, readonly number[]> {
  return {
    'encoder.weight': [row, hidden],
    'encoder.bias': [hidden],
    'place.own': [hidden, hidden],
    'place.all': [hidden, hidden],
    'place.bias': [hidden],
    'memory.input': [hidden, 4 * hidden],
    'memory.state': [hidden, 4 * hidden],
    'memory.bias': [4 * hidden],
    'value.input': [hidden, hidden],
    'value.memory': [hidden, hidden],
    'value.bias': [hidden],
    'output.weight': [hidden, 1],
    'output.bias': [1],
    'skip.weight': [row, 1],
    ...(ratio && { 'encoder.ratio': [1, hidden] }),
  }
}

/** First weights, as an actor's; a new critic values an action by the first number of its row. */
export function initialCritic(shape: CriticShape, random: RandomStream): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>()
  for (const [name, dims] of Object.entries(criticDims(shape))) {
    const values = new Float32Array(lengthOf(dims))
    if (name === 'skip.weight') values[0] = 1
    else if (name === 'memory.bias') values.fill(1, shape.hidden, 2 * shape.hidden)
    else if (dims.length === 2 && name !== 'output.weight') {
      const deviation = Math.sqrt(2 / (dims[0]! + dims[1]!))
      for (let at = 0; at < values.length; at++) values[at] = deviation * random.normal()
    }
    weights.set(name, values)
  }
  return weights
}
