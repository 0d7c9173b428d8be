import { type AgentsNetwork, initialActor, ROW } from '@isthmus/policies/com-ddpg'
import { RandomStream } from '@isthmus/policies/env'

/** Agents that nobody trained. */
export function someAgents(): AgentsNetwork {
  const shape = { row: ROW, hidden: 12, message: 6, heard: 6, communication: 'bidirectional' } as const
  const random = new RandomStream(1)
  const weights = initialActor(shape, random, 3)
  weights.set(
    'output.weight',
    weights.get('output.weight')!.map(() => 0.3 * random.normal()),
  )
  return { shape, weights }
}
