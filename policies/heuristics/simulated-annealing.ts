import { type EnvironmentPolicy, type MecObservation, RandomStream } from '../env/index.ts'
import { SampledPlan, type SampledPlanOptions } from './sampled-plan.ts'

export interface AnnealingSchedule {
  /** Flips to try. Default 300. */
  readonly flips?: number
  /** First and last temperature, as shares of the plan's cost per task; falls geometrically between. Default 0.5 and 0.005. */
  readonly hot?: number
  readonly cold?: number
}

/**
 * Simulated annealing (Kirkpatrick et al. 1983) of the plan for the present task and for the tasks of sampled futures: see
 * {@link SampledPlan} for what it minimises. Starts from greedy-ω; the cheapest plan that it met decides.
 */
export class SimulatedAnnealing implements EnvironmentPolicy<MecObservation> {
  readonly name = 'simulated annealing'
  private readonly plan: SampledPlan
  private readonly schedule: AnnealingSchedule
  private readonly random = new RandomStream(0)

  constructor(options: SampledPlanOptions & AnnealingSchedule = {}) {
    this.plan = new SampledPlan(options)
    this.schedule = options
  }

  get evaluations(): number {
    return this.plan.evaluations
  }

  begin(seed: number): void {
    this.random.seed(seed, 0x616e6e65)
    this.plan.clear()
  }

  act(observation: MecObservation, weights: ArrayLike<number>): number {
    if (observation.taskBits === 0) return 0
    this.plan.start(observation, weights, this.random)
    return anneal(this.plan, observation.servers, this.random, this.schedule).choice
  }
}

/** Anneals a plan; returns the least cost that it met and where the present task went then. */
export function anneal(
  plan: SampledPlan,
  servers: number,
  random: RandomStream,
  { flips = 300, hot = 0.5, cold = 0.005 }: AnnealingSchedule = {},
): { readonly cost: number; readonly choice: number } {
  let cost = plan.cost
  let best = cost
  let choice = plan.choice
  const unit = cost / plan.tasks
  for (let flip = 0; flip < flips && servers > 1; flip++) {
    // The present task in one of four: what is searched is its place.
    const task = random.uniform() < 0.25 ? 0 : random.below(plan.tasks)
    const server = (plan.placeOf(task) + 1 + random.below(servers - 1)) % servers
    const next = plan.flip(task, server)
    const temperature = unit * hot * (cold / hot) ** (flip / flips)
    if (next > cost && random.uniform() >= Math.exp((cost - next) / temperature)) {
      plan.undo()
      continue
    }
    cost = next
    if (cost >= best) continue
    best = cost
    choice = plan.choice
  }
  return { cost: best, choice }
}
