import type { OffloadObservation } from './offload-observation.ts'

/** Decisions whose outcome the last step brought to light. The same object at every step. */
export interface RoundOutcomes {
  count: number
  /** Of each: who decided, in which round, and what it cost (1: a deadline's worth of time). */
  readonly agent: Int32Array
  readonly round: Int32Array
  readonly cost: Float64Array
}

/**
 * Several agents that decide at once, round by round, on what each sees of the world; none sees what the others choose in the
 * same round. Places 0 … `places` − 1 are an agent's own device and the servers, the same for all.
 */
export interface RoundEnvironment {
  readonly name: string
  readonly agents: number
  readonly places: number
  /** Counts from 0. */
  readonly round: number
  readonly over: boolean
  /** `[agents]`, 1: has something to decide in this round. */
  readonly acting: Uint8Array
  /** `[agents]`, 1: decides, or has something to tell those who do. */
  readonly speaking: Uint8Array
  readonly outcomes: RoundOutcomes
  /** Begins an episode; equal seeds and actions give equal episodes. */
  reset(seed: number): void
  /** Writes what a speaking agent sees. */
  observe(agent: number, into: OffloadObservation): void
  /**
   * Carries out `actions[agent]` of those who act, and goes on to the next round. Throws IsthmusError `BAD_ACTION`, `EPISODE_OVER`.
   *
   * @param shares `[agents]`, from 0 to 1: how much of its task goes to the place, the rest to the own device; counts for tasks that can
   *   be divided. Default: all of it
   */
  step(actions: ArrayLike<number>, shares?: ArrayLike<number>): void
  /** What the episode came to so far, by name. */
  summary(): Readonly<Record<string, number>>
}

/** Decides for all agents of a round. */
export interface RoundPolicy<E extends RoundEnvironment = RoundEnvironment> {
  readonly name: string
  begin(environment: E, seed: number): void
  /**
   * Writes the place of each acting agent.
   *
   * @param shares `[agents]`, all 1: written by a policy that divides tasks
   */
  decide(environment: E, actions: Int32Array, shares: Float64Array): void
}

/** Plays one episode. */
export function playRounds<E extends RoundEnvironment>(
  environment: E,
  policy: RoundPolicy<E>,
  seed: number,
): Readonly<Record<string, number>> {
  const actions = new Int32Array(environment.agents)
  const shares = new Float64Array(environment.agents)
  environment.reset(seed)
  policy.begin(environment, seed)
  while (!environment.over) {
    policy.decide(environment, actions, shares.fill(1))
    environment.step(actions, shares)
  }
  return environment.summary()
}
