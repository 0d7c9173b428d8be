import type { EnvironmentPolicy } from '../env/index.ts'

/** Counts the decisions of a policy and the time that they take. `nowMs` is the clock that is handed in. */
export class MeteredPolicy<Observation> implements EnvironmentPolicy<Observation> {
  readonly policy: EnvironmentPolicy<Observation>
  private readonly nowMs: () => number
  decisions = 0
  totalMs = 0

  constructor(policy: EnvironmentPolicy<Observation>, nowMs: () => number) {
    this.policy = policy
    this.nowMs = nowMs
  }

  get name(): string {
    return this.policy.name
  }

  get evaluations(): number {
    return this.policy.evaluations
  }

  begin(seed: number): void {
    this.policy.begin(seed)
  }

  act(observation: Observation, weights: ArrayLike<number>): number {
    const startMs = this.nowMs()
    const action = this.policy.act(observation, weights)
    this.totalMs += this.nowMs() - startMs
    this.decisions++
    return action
  }
}
