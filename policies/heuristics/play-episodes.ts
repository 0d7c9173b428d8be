import {
  checkWeights,
  type EnvironmentPolicy,
  type MecEnvironment,
  type MecObservation,
} from '../env/index.ts'

/** What one episode came to, the servers drained. */
export interface EpisodeOutcome {
  readonly tasks: number
  /** Sum of the sojourn times of all tasks, s. */
  readonly sojournS: number
  /** Sum of the delays that the rewards charged, s: the same, but for `compat`. */
  readonly chargedS: number
  readonly energyJ: number
}

/** Plays the episodes of the seeds `firstSeed`, `firstSeed + 1`, …: equal seeds bring every policy the same tasks. */
export function playEpisodes(
  environment: MecEnvironment,
  policy: EnvironmentPolicy<MecObservation>,
  weights: ArrayLike<number>,
  { firstSeed, episodes }: { readonly firstSeed: number; readonly episodes: number },
): EpisodeOutcome[] {
  checkWeights(weights, environment.rewardSpace.names.length)
  return Array.from({ length: episodes }, (_, k) => {
    const seed = firstSeed + k
    const { observation, info } = environment.reset({ seed })
    policy.begin(seed)
    for (let truncated = false; !truncated; ) {
      truncated = environment.step(policy.act(observation, weights)).truncated
    }
    const sojournS = environment.drain()
    return { tasks: info.tasks, sojournS, chargedS: info.totalDelayS, energyJ: info.totalEnergyJ }
  })
}
