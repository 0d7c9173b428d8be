import type { RandomStream } from '../../env/index.ts'
import { optionChecks } from '../../option-checks.ts'
import type { SchedulePlan } from '../schedule/plan.ts'
import type { SchedulingProblem } from '../schedule/problem.ts'
import { Ant, type AntHabits } from './ant.ts'
import { heft } from './heft.ts'
import { checkBudget, PlanDescent, type SearchBudget } from './local-search.ts'
import { Pheromone } from './pheromone.ts'
import type { Planner, PlanningGoal } from './planner.ts'
import { rankOrder } from './upward-rank.ts'

export interface AntColonyOptions extends SearchBudget {
  readonly random: RandomStream
  /** Gives the plan to start from, never to be worse than. Default HEFT. */
  readonly seed?: Planner
  /** η: how good each host is for each task, `[task, host]`, above 0; a policy's probabilities say. Default: greedy's costs, inverted. */
  readonly scores?: (problem: SchedulingProblem, goal: PlanningGoal) => ArrayLike<number>
  /** `[task]`: the higher the earlier. Default: by upward rank. */
  readonly priorities?: (problem: SchedulingProblem) => ArrayLike<number>
  /** Plans an iteration makes. Default 10. */
  readonly ants?: number
  /** Iterations at most. Default: until the budget is used up, 30 without one. */
  readonly iterations?: number
  /** Exponents of pheromone and of η, share of pheromone that evaporates. Default 1, 4, 0.3: the best of a few for 50 ms. */
  readonly alpha?: number
  readonly beta?: number
  readonly rho?: number
  /** How much ants' order of tasks departs from the priorities, as a share of their range. Default 0.1. */
  readonly orderNoise?: number
  /** Cheapest plans that lay pheromone, together as much as one. Default 3. */
  readonly elites?: number
  /** Told of each plan that is the cheapest yet, the seed's first: its cost, and plans worked out until then. */
  readonly onBest?: (cost: number, evaluations: number) => void
}

/** Iterations without a better plan after which all pheromone is alike again and ants follow scores less. */
const PATIENCE = 15

/**
 * Ant colony optimisation, a max-min ant system with elite ants: P(task → host) ∝ τ^α · η^β. Of each iteration the best
 * ant's plan is improved by local search. May be stopped at any time: what it returns is the cheapest plan it met. After Mohammad 2025
 * (arXiv 2508.04334), whose parameters are not published: a reconstruction, not a reproduction.
 *
 * @throws IsthmusError `BAD_OPTION`
 */
export function antColony(options: AntColonyOptions): Planner {
  const { within, integer } = optionChecks('ant colony')
  const { ants = 10, iterations, alpha = 1, beta = 4, rho = 0.3, orderNoise = 0.1, elites = 3 } = options
  checkBudget('ant colony', options, false)
  integer('ants', ants, 1, 1e6)
  if (iterations !== undefined) integer('iterations', iterations, 0, Number.MAX_SAFE_INTEGER)
  within('alpha', alpha, 0, 20)
  within('beta', beta, 0, 20)
  within('rho', rho, 1e-6, 1)
  within('orderNoise', orderNoise, 0, 10)
  integer('elites', elites, 1, 1000)
  const endless = options.evaluations !== undefined || options.budgetMs !== undefined
  const rounds = iterations ?? (endless ? Number.MAX_SAFE_INTEGER : 30)
  return {
    name: 'ant colony',
    plan: (problem, goal) =>
      new Colony(problem, goal, {
        ...options,
        ants,
        iterations: rounds,
        alpha,
        beta,
        rho,
        orderNoise,
        elites,
      }).run(),
  }
}

type ColonySettings = AntColonyOptions &
  Required<Pick<AntColonyOptions, 'ants' | 'iterations' | 'alpha' | 'beta' | 'rho' | 'orderNoise' | 'elites'>>

class Colony {
  private readonly problem: SchedulingProblem
  private readonly goal: PlanningGoal
  private readonly settings: ColonySettings
  private readonly descent: PlanDescent
  private readonly pheromone: Pheromone
  private readonly ant: Ant
  private readonly priorities: Float64Array
  private readonly byBest: Float64Array
  private told = Infinity
  private elites: { readonly cost: number; readonly plan: SchedulePlan }[] = []

  constructor(problem: SchedulingProblem, goal: PlanningGoal, settings: ColonySettings) {
    this.problem = problem
    this.goal = goal
    this.settings = settings
    this.descent = new PlanDescent(problem, goal, settings)
    this.pheromone = new Pheromone(problem.tasks, problem.hosts, settings.rho)
    this.ant = new Ant(problem, goal, settings, settings.scores?.(problem, goal))
    this.priorities = settings.priorities
      ? scaled(settings.priorities(problem))
      : placesOf(rankOrder(problem), new Float64Array(problem.tasks))
    this.byBest = new Float64Array(problem.tasks)
  }

  run(): SchedulePlan {
    const { descent, pheromone, settings, problem } = this
    const { random, iterations } = settings
    descent.start((settings.seed ?? heft).plan(problem, this.goal))
    this.tell()
    this.remember()
    for (let iteration = 0, since = 0; iteration < iterations && !descent.over; iteration++) {
      const before = descent.bestCost
      if (!this.sendAnts(random)) break
      descent.descend()
      this.tell()
      this.remember()
      since = descent.bestCost < before ? 0 : since + 1
      this.layPheromone()
      if (descent.bestCost < before) this.ant.habits = settings
      if (since < PATIENCE) continue
      this.ant.habits = looser(this.ant.habits, settings)
      pheromone.reset()
      this.elites.length = 0
      since = 0
    }
    return descent.best()
  }

  /** Lets the ants make their plans and leaves the best of them in `descent`; false when the budget ended before the first. */
  private sendAnts(random: RandomStream): boolean {
    const { descent, ant, pheromone, settings } = this
    let least = Infinity
    let host: Int32Array | undefined
    let sequence: Int32Array | undefined
    placesOf(descent.best().sequence, this.byBest)
    for (let count = 0; count < settings.ants && !descent.over; count++) {
      // Every other ant follows the order of the best plan so far.
      ant.walk(pheromone.trail, count % 2 === 0 ? this.priorities : this.byBest, random)
      descent.start(ant)
      this.tell()
      if (descent.cost >= least) continue
      least = descent.cost
      host = ant.host.slice()
      sequence = ant.sequence.slice()
    }
    if (!host || !sequence) return false
    descent.resume({ host, sequence }, least)
    return true
  }

  private tell(): void {
    const { bestCost, evaluations } = this.descent
    if (bestCost >= this.told) return
    this.told = bestCost
    this.settings.onBest?.(bestCost, evaluations)
  }

  private remember(): void {
    const { cost, host, sequence } = this.descent
    if (this.elites.some((elite) => elite.cost === cost)) return
    this.elites.push({ cost, plan: { host: host.slice(), sequence: sequence.slice() } })
    this.elites.sort((a, b) => a.cost - b.cost)
    this.elites.length = Math.min(this.elites.length, this.settings.elites)
  }

  private layPheromone(): void {
    const { pheromone, elites } = this
    pheromone.evaporate()
    for (const { cost, plan } of elites) {
      pheromone.deposit(plan.host, (cost > 0 ? elites[0]!.cost / cost : 1) / elites.length)
    }
    pheromone.clamp()
  }
}

/** Follows scores and priorities half as closely, until from an eighth it is as at the start. */
function looser({ beta, orderNoise, alpha }: AntHabits, first: AntHabits): AntHabits {
  return beta <= first.beta / 8 ? first : { alpha, beta: beta / 2, orderNoise: orderNoise * 2 }
}

/** Priorities 1 … 0 by place in a sequence. */
function placesOf(sequence: Int32Array, into: Float64Array): Float64Array {
  for (let at = 0; at < sequence.length; at++) into[sequence[at]!] = 1 - at / sequence.length
  return into
}

function scaled(values: ArrayLike<number>): Float64Array {
  const scaled = Float64Array.from(values)
  const low = scaled.reduce((least, value) => Math.min(least, value), Infinity)
  const range = scaled.reduce((most, value) => Math.max(most, value), -Infinity) - low
  return scaled.map((value) => (range > 0 ? (value - low) / range : 0))
}
