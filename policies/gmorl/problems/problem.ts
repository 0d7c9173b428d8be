import type { EnvironmentPolicy, ForkableEnvironment, RandomStream } from '../../env/index.ts'
import type { CandidateEncoding } from '../encoding/candidate-encoding.ts'
import type { Heuristic } from './heuristic.ts'

/** A system of one kind, or a range of them, that a policy is trained for. Candidate k is action k. */
export interface Problem<Observation = unknown> {
  readonly name: string
  readonly encoding: CandidateEncoding<Observation>
  /** Candidates of an observation at most, while training. */
  readonly places: number
  /** The systems to train on; each episode takes one of them. */
  readonly training: readonly ForkableEnvironment<Observation>[]
  /** Another one made with the options of `training[system]`, to try things out. */
  fork(system: number): ForkableEnvironment<Observation>
  /** The systems on which progress is judged, by what they are called. */
  readonly judging: ReadonlyMap<string, ForkableEnvironment<Observation>>
  /** The rule to start from and to beat. */
  base(): EnvironmentPolicy<Observation>
  /**
   * Whether nothing is to be expected after an episode's end, its truncation included, as where an observation tells the steps
   * that are left (time-aware agents, Pardo et al. 2018).
   */
  readonly endsWithEpisode: boolean
  /** Whether the action matters: where it does not, there is nothing to learn from. */
  decides(observation: Observation): boolean
  /** What the episode that has just ended came to: a weight and, for each objective, a cost in physical units, summed. */
  outcome(environment: ForkableEnvironment<Observation>): { weight: number; costs: number[] }
  /** What `costs` are, such as `s a task`. */
  readonly costNames: readonly string[]
  /** What a reward counts one of each cost with, so that utilities can be told from costs. */
  readonly costScales: readonly number[]
  /** Rules to compare with beside the base rule, by what they are called. */
  readonly heuristics: ReadonlyMap<string, Heuristic<Observation>>
  /** Fixed reference points in costs, of the judging systems that have one. */
  readonly looseReferences: ReadonlyMap<string, readonly number[]>
  /** The preferences that the front is drawn with. */
  grid(points: number, random: RandomStream): number[][]
}
