import type { SequenceSize } from './actor-graph.ts'
import type { AgentsNetwork } from './agents-network.ts'
import type { RoundProblem } from './problems.ts'

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
