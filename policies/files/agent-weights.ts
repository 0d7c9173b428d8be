import {
  type ActorShape,
  type AgentsNetwork,
  actorDims,
  actorParameters,
  checkAgents,
  lengthOf,
} from '../com-ddpg/index.ts'

const BYTES = Float32Array.BYTES_PER_ELEMENT

/** Bytes of all weights of agents of this shape. */
export const weightsLength = (shape: ActorShape): number => BYTES * actorParameters(shape)

/**
 * All weights as float32, little-endian, one after the other in the order of `actorDims(shape)`. Throws IsthmusError `BAD_POLICY`
 * that names a weight which is missing, of another length, or not finite.
 */
export function packWeights(network: AgentsNetwork): Buffer {
  checkAgents(network)
  const { shape, weights } = network
  const bytes = Buffer.alloc(weightsLength(shape))
  let at = 0
  for (const name of Object.keys(actorDims(shape))) {
    for (const value of weights.get(name)!) at = bytes.writeFloatLE(value, at)
  }
  return bytes
}

/** Takes the agents out of {@link packWeights}' bytes, whose length is right. Throws IsthmusError `BAD_POLICY` for numbers that are none. */
export function unpackWeights(shape: ActorShape, bytes: Buffer): AgentsNetwork {
  const weights = new Map<string, Float32Array>()
  let at = 0
  for (const [name, dims] of Object.entries(actorDims(shape))) {
    const values = new Float32Array(lengthOf(dims))
    for (let index = 0; index < values.length; index++, at += BYTES) values[index] = bytes.readFloatLE(at)
    weights.set(name, values)
  }
  const network = { shape, weights }
  checkAgents(network)
  return network
}
