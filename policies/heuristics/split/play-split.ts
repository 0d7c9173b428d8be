import {
  checkWeights,
  type EnvironmentPolicy,
  type SplitEnvironment,
  type SplitObservation,
} from '../../env/index.ts'

/** Means over all frames of the episodes played. */
export interface SplitOutcome {
  readonly frames: number
  /** Seconds to the answer; a late frame counts its deadline. */
  readonly delayS: number
  /** Joule of the device. */
  readonly energyJ: number
  /** Share of wrong answers, late ones included. */
  readonly error: number
  readonly lateShare: number
}

/** Plays the episodes of the seeds `firstSeed`, `firstSeed + 1`, …: equal seeds bring every policy the same frames, links and servers. */
export function playSplit(
  environment: SplitEnvironment,
  policy: EnvironmentPolicy<SplitObservation>,
  weights: ArrayLike<number>,
  { firstSeed, episodes }: { readonly firstSeed: number; readonly episodes: number },
): SplitOutcome {
  checkWeights(weights, environment.rewardSpace.names.length)
  let frames = 0
  let late = 0
  let delayS = 0
  let energyJ = 0
  let error = 0
  for (let seed = firstSeed; seed < firstSeed + episodes; seed++) {
    const { observation, info } = environment.reset({ seed })
    policy.begin(seed)
    for (let truncated = false; !truncated; ) {
      truncated = environment.step(policy.act(observation, weights)).truncated
    }
    frames += info.frames
    late += info.lateFrames
    delayS += info.totalDelayS
    energyJ += info.totalEnergyJ
    error += info.totalError
  }
  const mean = (sum: number) => sum / Math.max(1, frames)
  return { frames, delayS: mean(delayS), energyJ: mean(energyJ), error: mean(error), lateShare: mean(late) }
}
