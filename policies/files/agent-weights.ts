import {
  type ActorShape,
  type ActorWeights,
  actorDims,
  actorParameters,
  lengthOf,
} from '../com-ddpg/index.ts'
import { policyError } from '../errors.ts'

const BYTES = Float32Array.BYTES_PER_ELEMENT

/** Bytes of all weights of agents of this shape. */
export const weightsLength = (shape: ActorShape): number => BYTES * actorParameters(shape)

/**
 * All weights as float32, little-endian, one after the other in the order of `actorDims(shape)`. Throws IsthmusError `BAD_POLICY`
 * that names a weight which is missing, of another length, or not finite.
 */
export function packWeights(shape: ActorShape, weights: ActorWeights): Buffer {
  const bytes = Buffer.alloc(weightsLength(shape))
  let at = 0
  for (const [name, dims] of Object.entries(actorDims(shape))) {
    const values = weights.get(name)
    if (values?.length !== lengthOf(dims)) {
      throw policyError(
        'BAD_POLICY',
        `agents: weight ${name} has ${values?.length ?? 'no'} numbers, not ${lengthOf(dims)}`,
      )
    }
    checkFinite(name, values)
    for (const value of values) at = bytes.writeFloatLE(value, at)
  }
  return bytes
}

/** Takes the weights out of {@link packWeights}' bytes, whose length is right. Throws IsthmusError `BAD_POLICY` for numbers that are none. */
export function unpackWeights(shape: ActorShape, bytes: Buffer): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>()
  let at = 0
  for (const [name, dims] of Object.entries(actorDims(shape))) {
    const values = new Float32Array(lengthOf(dims))
    for (let index = 0; index < values.length; index++, at += BYTES) values[index] = bytes.readFloatLE(at)
    checkFinite(name, values)
    weights.set(name, values)
  }
  return weights
}

function checkFinite(name: string, values: Float32Array): void {
  if (!values.every(Number.isFinite)) throw policyError('BAD_POLICY', `agents: weight ${name} is not finite`)
}
