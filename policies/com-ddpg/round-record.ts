/** One episode as it was played. */
export interface RoundRecord {
  readonly rounds: number
  readonly agents: number
  readonly places: number
  /** `[rounds, agents, places, row]`: zeros for agents that do not speak */
  readonly rows: Float32Array
  /** `[rounds, agents]` */
  readonly acting: Uint8Array
  readonly speaking: Uint8Array
  /** `[rounds, agents, places]` */
  readonly allowed: Uint8Array
  /** `[rounds, agents]`: the place that was taken */
  readonly action: Uint8Array
  /** `[rounds, agents]`: what it cost, 0 for agents that did not act */
  readonly cost: Float32Array
  /** `[rounds, agents, places]`: what a teacher says that each place costs; length 0 without a teacher */
  readonly taught: Float32Array
  /** Of agents that divide tasks; else absent. */
  readonly division?: DivisionRecord
}

/** How tasks were divided in an episode. */
export interface DivisionRecord {
  /** `[rounds, agents]`, 1: its task can be divided */
  readonly divisible: Uint8Array
  /** `[rounds, agents, places]`: share of the task that would go to each place, as the agent said, noise included */
  readonly ratios: Float32Array
  /** The same as a teacher says; length 0 without a teacher */
  readonly taughtRatios: Float32Array
}
