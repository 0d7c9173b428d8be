import type { RandomStream } from '../../env/index.ts'
import { optionChecks } from '../../option-checks.ts'
import type { SchedulePlan } from '../schedule/plan.ts'
import type { SchedulingProblem } from '../schedule/problem.ts'
import { heft } from './heft.ts'
import { PlanCost } from './plan-cost.ts'
import type { Planner, PlanningGoal } from './planner.ts'
import { randomHost } from './simple-planners.ts'

/** When a search ends at the latest; at least one of the two is needed where it does not end by itself. */
export interface SearchBudget {
  /** Plans whose cost it may work out. */
  readonly evaluations?: number
  /** Time that it may take by `clock`, ms. */
  readonly budgetMs?: number
  /** Time now, ms. */
  readonly clock?: () => number
}

export interface LocalSearchOptions extends SearchBudget {
  /** Gives the plan to start from. Default HEFT. */
  readonly seed?: Planner
  /** Where no move helps: go on from the best plan with some tasks moved at random, until the budget is used up. */
  readonly random?: RandomStream
}

/**
 * Local search: takes a task to another host and another place of the sequence for as long as that makes the plan cheaper, first
 * improvement. Never worse than the plan that it starts from. Without a budget it ends where no move helps.
 *
 * @throws IsthmusError `BAD_OPTION`
 */
export function localSearch({ seed = heft, random, ...budget }: LocalSearchOptions = {}): Planner {
  checkBudget('local search', budget, random !== undefined)
  return {
    name: random ? 'iterated local search' : 'local search',
    plan(problem, goal) {
      const start = seed.plan(problem, goal)
      const search = new PlanDescent(problem, goal, budget)
      search.start(start)
      search.descend()
      if (random) search.iterate(random)
      return search.best()
    },
  }
}

/** What a descent may change. */
export interface DescentOptions extends SearchBudget {
  /** Tasks that may go to another host or another place of the sequence. Default: all. */
  readonly movable?: Int32Array
}

/** @throws IsthmusError `BAD_OPTION` */
export function checkBudget(owner: string, budget: SearchBudget, needed: boolean): void {
  const { within, bad } = optionChecks(owner)
  const { evaluations, budgetMs, clock } = budget
  if (evaluations !== undefined) within('evaluations', evaluations, 0, Number.MAX_SAFE_INTEGER)
  if (budgetMs !== undefined) within('budgetMs', budgetMs, 0, Number.MAX_SAFE_INTEGER)
  if (budgetMs !== undefined && !clock) throw bad('budgetMs needs clock')
  if (needed && evaluations === undefined && budgetMs === undefined) {
    throw bad('needs evaluations or budgetMs: it does not end by itself')
  }
}

/** A plan that is being improved. */
export class PlanDescent {
  readonly host: Int32Array
  readonly sequence: Int32Array
  cost = Infinity
  private readonly problem: SchedulingProblem
  private readonly plans: PlanCost
  private readonly most: number
  private readonly endMs: number
  private readonly clock: (() => number) | undefined
  private readonly movable: Int32Array
  private readonly isMovable: Uint8Array
  private readonly trial: Int32Array
  private readonly bestHost: Int32Array
  private readonly bestSequence: Int32Array
  private late = false
  bestCost = Infinity

  constructor(problem: SchedulingProblem, goal: PlanningGoal, budget: DescentOptions) {
    this.problem = problem
    this.movable = budget.movable ?? Int32Array.from({ length: problem.tasks }, (_, task) => task)
    this.isMovable = new Uint8Array(problem.tasks)
    for (const task of this.movable) this.isMovable[task] = 1
    this.plans = new PlanCost(problem, goal)
    this.most = budget.evaluations ?? Infinity
    this.clock = budget.budgetMs === undefined ? undefined : budget.clock
    this.endMs = this.clock ? this.clock() + budget.budgetMs! : Infinity
    this.host = new Int32Array(problem.tasks)
    this.sequence = new Int32Array(problem.tasks)
    this.trial = new Int32Array(problem.tasks)
    this.bestHost = new Int32Array(problem.tasks)
    this.bestSequence = new Int32Array(problem.tasks)
  }

  get evaluations(): number {
    return this.plans.evaluations
  }

  /** Whether the budget is used up. */
  get over(): boolean {
    if (this.late || this.plans.evaluations >= this.most) return true
    if (this.clock && this.plans.evaluations % 16 === 0) this.late = this.clock() >= this.endMs
    return this.late
  }

  /** Takes a plan to start from, and keeps it when it is the cheapest yet. */
  start({ host, sequence }: SchedulePlan): void {
    this.host.set(host)
    this.sequence.set(sequence)
    this.cost = this.plans.of(this)
    this.keep()
    // Whatever it costs: there is no other yet.
    if (this.bestCost === Infinity) this.take()
  }

  /** Takes up a plan again whose cost is known. */
  resume({ host, sequence }: SchedulePlan, cost: number): void {
    this.host.set(host)
    this.sequence.set(sequence)
    this.cost = cost
  }

  best(): SchedulePlan {
    return { host: this.bestHost.slice(), sequence: this.bestSequence.slice() }
  }

  /** Improves until no move helps or the budget is used up. */
  descend(): void {
    for (let unchanged = 0, at = 0; unchanged < this.sequence.length && !this.over; ) {
      const task = this.sequence[at]!
      if (this.isMovable[task] === 1 && this.improve(task)) unchanged = 0
      else unchanged++
      at = (at + 1) % this.sequence.length
    }
    this.keep()
  }

  /** From the best plan, a few tasks moved at random, again and again. */
  iterate(random: RandomStream): void {
    while (!this.over && this.movable.length > 0) {
      this.host.set(this.bestHost)
      this.sequence.set(this.bestSequence)
      this.kick(random)
      this.cost = this.plans.of(this)
      this.descend()
    }
  }

  private keep(): void {
    if (this.cost >= this.bestCost) return
    this.bestCost = this.cost
    this.take()
  }

  private take(): void {
    this.bestHost.set(this.host)
    this.bestSequence.set(this.sequence)
  }

  private kick(random: RandomStream): void {
    const { movable } = this
    for (let moves = 2 + random.below(4); moves > 0; moves--) {
      const task = movable[random.below(movable.length)]!
      this.host[task] = randomHost(this.problem, task, random)
      const from = this.sequence.indexOf(task)
      const low = this.lowest(from)
      const to = low + random.below(this.highest(from) - low + 1)
      move(this.sequence, from, to, this.trial)
      this.sequence.set(this.trial)
    }
  }

  /** Tries all hosts and places of a task; takes the first that is cheaper. */
  private improve(task: number): boolean {
    const { hosts, executionS } = this.problem
    const { sequence, host, trial, plans } = this
    const from = sequence.indexOf(task)
    const low = this.lowest(from)
    const high = this.highest(from)
    const was = host[task]!
    const plan = { host, sequence: trial }
    for (let to = low; to <= high; to++) {
      move(sequence, from, to, trial)
      for (let on = 0; on < hosts; on++) {
        if ((on === was && to === from) || executionS[task * hosts + on]! === Infinity) continue
        // Only the order on a host matters: of places between the same two tasks of it, the first does for all.
        if (to > low && host[trial[to - 1]!] !== on) continue
        if (on === was && this.sameOnHost(from, to, on)) continue
        host[task] = on
        const cost = plans.of(plan)
        if (cost < this.cost - 1e-12 * Math.abs(this.cost)) {
          this.cost = cost
          sequence.set(trial)
          return true
        }
        if (this.over) break
      }
      host[task] = was
      if (this.over) break
    }
    return false
  }

  private sameOnHost(from: number, to: number, on: number): boolean {
    const step = to > from ? 1 : -1
    for (let at = from; at !== to; ) {
      at += step
      if (this.host[this.sequence[at]!] === on) return false
    }
    return true
  }

  /** First place to which the task at `from` can go: behind all that it waits for. */
  private lowest(from: number): number {
    const { firstIn, source } = this.problem
    const task = this.sequence[from]!
    for (let at = from - 1; at >= 0; at--) {
      for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
        if (source[edge] === this.sequence[at]) return at + 1
      }
    }
    return 0
  }

  private highest(from: number): number {
    const { firstOut, target } = this.problem
    const task = this.sequence[from]!
    for (let at = from + 1; at < this.sequence.length; at++) {
      for (let edge = firstOut[task]!; edge < firstOut[task + 1]!; edge++) {
        if (target[edge] === this.sequence[at]) return at - 1
      }
    }
    return this.sequence.length - 1
  }
}

function move(sequence: Int32Array, from: number, to: number, into: Int32Array): void {
  into.set(sequence)
  const task = sequence[from]!
  if (to > from) into.copyWithin(from, from + 1, to + 1)
  else into.copyWithin(to + 1, to, from)
  into[to] = task
}
