import { type EnvironmentPolicy, type MecObservation, RandomStream } from '../env/index.ts'
import { SampledPlan, type SampledPlanOptions } from './sampled-plan.ts'

export interface LocalSearchOptions extends SampledPlanOptions {
  /** Most sweeps over all tasks of the plan. Default 4. */
  readonly sweeps?: number
}

/**
 * 1-flip local search on the plan for the present task and for the tasks of sampled futures (see {@link SampledPlan} for what
 * it minimises): starts from greedy-ω and sends one task elsewhere for as long as that makes the plan cheaper.
 */
export class LocalSearch implements EnvironmentPolicy<MecObservation> {
  readonly name = '1-flip local search'
  private readonly plan: SampledPlan
  private readonly sweeps: number
  private readonly random = new RandomStream(0)

  constructor({ sweeps = 4, ...options }: LocalSearchOptions = {}) {
    this.plan = new SampledPlan(options)
    this.sweeps = sweeps
  }

  get evaluations(): number {
    return this.plan.evaluations
  }

  begin(seed: number): void {
    this.random.seed(seed, 0x666c6970)
    this.plan.clear()
  }

  act(observation: MecObservation, weights: ArrayLike<number>): number {
    if (observation.taskBits === 0) return 0
    this.plan.start(observation, weights, this.random)
    descend(this.plan, observation.servers, this.sweeps)
    return this.plan.choice
  }
}

/** Keeps every flip that lowers the cost (first improvement), until a sweep finds none or `sweeps` are over. */
export function descend(plan: SampledPlan, servers: number, sweeps: number): void {
  let cost = plan.cost
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let improved = false
    for (let task = 0; task < plan.tasks; task++) {
      for (let server = 0; server < servers; server++) {
        if (server === plan.placeOf(task)) continue
        const next = plan.flip(task, server)
        if (next < cost - 1e-12 * Math.abs(cost)) {
          cost = next
          improved = true
        } else {
          plan.undo()
        }
      }
    }
    if (!improved) return
  }
}
