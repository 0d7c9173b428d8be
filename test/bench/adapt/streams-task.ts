import type { ThreadTask } from '@isthmus/models/train'
import type { MethodName } from './methods.ts'
import { openNetworks, studentFisher } from './networks.ts'
import { playCorrelated, playSequence, type StreamResult } from './streams.ts'

export interface LongStreamsInput {
  readonly bundles: string
  readonly method: MethodName
  readonly seed: number
  /** Images of each damage of the sequence, and clean ones after it. */
  readonly perType: number
  readonly clean: number
  readonly correlated: { readonly types: readonly string[]; readonly count: number }
}

export interface LongStreamsOutput {
  readonly sequence: StreamResult
  readonly correlated: StreamResult
}

/** Both kinds of long stream for one method and seed, in a thread of its own. */
const streamsTask: ThreadTask<LongStreamsInput, LongStreamsOutput> = async (input) => {
  const { method, seed, perType, clean, correlated } = input
  const networks = await openNetworks(input.bundles)
  const fisher = await studentFisher(networks, 1)
  const sequence = { seed, count: perType, clean, threads: 1 }
  return {
    sequence: await playSequence(networks, fisher, method, sequence),
    correlated: await playCorrelated(networks, fisher, method, { ...correlated, seed, threads: 1 }),
  }
}

export default streamsTask
