import type { ConstantTensor } from '@isthmus/models/onnx'
import type { ActorShape, ActorWeights } from './actor-shape.ts'

/** An actor's shape and weights: all that agents are made of. */
export interface AgentsNetwork {
  readonly shape: ActorShape
  readonly weights: ActorWeights
}

/** What agents' weights are called in a graph: this, and their name. */
export const ACTOR = 'actor'

/** The actor's weights among a training step's parameters, copied. */
export function actorOf(parameters: ReadonlyMap<string, ConstantTensor>): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>()
  for (const [name, { bytes }] of parameters) {
    if (name.startsWith(`${ACTOR}.`)) {
      weights.set(name.slice(ACTOR.length + 1), new Float32Array(bytes.slice().buffer))
    }
  }
  return weights
}
