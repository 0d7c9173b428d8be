import type { EnvironmentPolicy } from '../../env/index.ts'

/** A simple rule to compare with. */
export interface Heuristic<Observation = unknown> {
  /** Whether it looks at the preference: one that does not is played under one preference alone. */
  readonly heedsPreference: boolean
  /** Whether it takes milliseconds and more a decision. */
  readonly slow: boolean
  /** Its settings, each a policy of its own: together they make its front. */
  readonly settings: readonly (() => EnvironmentPolicy<Observation>)[]
}

/** A rule that is the same whatever the preference. */
export const unheeding = <Observation>(
  ...settings: (() => EnvironmentPolicy<Observation>)[]
): Heuristic<Observation> => ({ heedsPreference: false, slow: false, settings })

/** A rule that follows the preference. */
export const heeding = <Observation>(
  make: () => EnvironmentPolicy<Observation>,
  slow = false,
): Heuristic<Observation> => ({ heedsPreference: true, slow, settings: [make] })
