import { RandomStream } from '../../env/index.ts'
import { type ActorShape, initialActor } from '../actor-shape.ts'
import type { AgentsNetwork } from '../agents-network.ts'
import { ROW } from '../offload-rows.ts'

export const shape: ActorShape = {
  row: ROW,
  hidden: 24,
  message: 6,
  heard: 10,
  communication: 'bidirectional',
}

/** Agents that nobody trained, whose choice depends on all that they see and hear. */
export function randomAgents(seed: number, changes: Partial<ActorShape> = {}): AgentsNetwork {
  const random = new RandomStream(seed)
  const form = { ...shape, ...changes }
  const weights = initialActor(form, random, 3)
  weights.set(
    'output.weight',
    weights.get('output.weight')!.map(() => 0.3 * random.normal()),
  )
  return { shape: form, weights }
}
