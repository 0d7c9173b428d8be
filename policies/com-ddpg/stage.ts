import type { RandomStream } from '../env/index.ts'
import type { Actor } from './actor.ts'
import type { SequenceSize } from './actor-graph.ts'
import type { AgentsNetwork } from './agents-network.ts'
import type { PlayOptions, RoundProblem } from './problems.ts'
import { drawLoss, type SequenceReplay } from './sequence-replay.ts'

/** What every stage of a training is given. */
export interface ComDdpgContext {
  readonly problem: RoundProblem
  readonly sequence: SequenceSize
  readonly burnIn: number
  readonly messageLoss: number
  readonly seed: number
  /** Threads of the learning step's operators. */
  readonly threads: number
  endOfRound(round: number, loss: number, agents: AgentsNetwork): Promise<void>
  /** Throws when the training is to stop. */
  checkAborted(): void
}

/**
 * Plays a round's episodes and keeps them; of two one is played with messages lost.
 *
 * @param first number of the first episode in the stage
 */
export function playEpisodes(
  { problem, seed, messageLoss, checkAborted }: ComDdpgContext,
  replay: SequenceReplay,
  actor: Actor,
  { first, episodes }: { readonly first: number; readonly episodes: number },
  random: RandomStream,
  options: Omit<PlayOptions, 'messageLoss'>,
): void {
  for (let episode = first; episode < first + episodes; episode++) {
    const loss = episode % 2 === 0 ? 0 : drawLoss(messageLoss, random)
    replay.add(problem.record(actor, seed * 1e6 + episode, { ...options, messageLoss: loss }))
    checkAborted()
  }
}
