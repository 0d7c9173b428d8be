import type { EnvironmentPolicy } from '../../env/index.ts'
import { policyError } from '../../errors.ts'
import type { Problem } from '../problems/index.ts'

export interface JudgeOptions {
  /** Which of the problem's judging systems. */
  readonly system: string
  readonly preferences: readonly (readonly number[])[]
  /** Episodes of the seeds `firstSeed`, `firstSeed + 1`, …, the same for every preference and policy. */
  readonly firstSeed: number
  readonly episodes: number
}

/** For each preference what the episodes came to: mean cost by each objective, in physical units, lower is better. */
export type Judged = number[][]

/** Plays the same episodes under each preference. */
export function judge<Observation>(
  problem: Problem<Observation>,
  policy: EnvironmentPolicy<Observation>,
  { system, preferences, firstSeed, episodes }: JudgeOptions,
): Judged {
  const environment = problem.judging.get(system)
  if (!environment) {
    throw policyError(
      'BAD_OPTION',
      `system: "${system}" is none of ${[...problem.judging.keys()].join(', ')}`,
    )
  }
  return preferences.map((weights) => {
    let total = 0
    const costs = problem.costNames.map(() => 0)
    for (let episode = 0; episode < episodes; episode++) {
      environment.reset({ seed: firstSeed + episode })
      policy.begin(firstSeed + episode)
      for (let over = false; !over; ) {
        const { terminated, truncated } = environment.step(policy.act(environment.observation, weights))
        over = terminated || truncated
      }
      const outcome = problem.outcome(environment)
      total += outcome.weight
      for (const [objective, cost] of outcome.costs.entries()) costs[objective]! += cost
    }
    return costs.map((cost) => cost / total)
  })
}
