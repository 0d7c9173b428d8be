/** Lowest and highest value of each objective, both in the environment's order of objectives. */
export interface RewardSpace {
  /** Names of the objectives; rewards are maximised, so a delay counts below 0. */
  readonly names: readonly string[]
  readonly low: readonly number[]
  readonly high: readonly number[]
}

export interface ResetOptions {
  /** Starts all randomness anew: equal seeds and actions give equal episodes. Without it the streams run on. */
  readonly seed?: number
}

export interface ResetResult<Observation, Info> {
  readonly observation: Observation
  readonly info: Info
}

/**
 * What a step brought. An environment may hand out the same objects and arrays at every step, so that training allocates
 * nothing: copy what is to outlive the next `step` or `reset`.
 */
export interface StepResult<Observation, Info> {
  readonly observation: Observation
  /** One number for each objective of `rewardSpace`. */
  readonly reward: Float64Array
  /** The episode came to its own end: nothing is to be expected after it. */
  readonly terminated: boolean
  /** The episode was cut off (time limit): learners go on with the value of `observation`. */
  readonly truncated: boolean
  readonly info: Info
}

/**
 * An environment with several objectives, in the shape of MO-Gymnasium: vector reward, `terminated` apart from
 * `truncated`, seeded `reset`. Actions are the integers 0 … `actionCount` − 1.
 */
export interface Environment<Observation, Info = unknown> {
  readonly name: string
  /** Form of the observations, such as `mec/1`. A policy refuses observations of another form than it was made for. */
  readonly observationVersion: string
  /** Greatest number of actions in any episode. */
  readonly actionCount: number
  readonly rewardSpace: RewardSpace
  /** Begins an episode. */
  reset(options?: ResetOptions): ResetResult<Observation, Info>
  /**
   * Takes one action. Throws IsthmusError `BAD_ACTION` for one that is not valid now and `EPISODE_OVER` before the first
   * `reset` and after the end.
   */
  step(action: number): StepResult<Observation, Info>
  /** Writes 1 to `mask` for each action that is valid now, else 0, and returns how many are. Length: `actionCount`. */
  validActions(mask: Uint8Array): number
  /** The true front (each point one number an objective), where it is known. */
  paretoFront?(): readonly (readonly number[])[]
}

/** An environment whose future can be tried out: what a teacher that looks ahead needs. */
export interface ForkableEnvironment<Observation, Info = unknown> extends Environment<Observation, Info> {
  /**
   * Takes over the state of `other`, an environment made with the same options. What chance brings from here on follows from
   * `seed` alone, so that forks of one state with one seed meet the same future whatever they do. Throws IsthmusError `BAD_OPTION`
   * where sizes tell that the options were others.
   */
  forkFrom(other: this, seed: number): void
  /** What a policy sees now. The same object as in the results of `reset` and `step`. */
  readonly observation: Observation
}
