import {
  delayS,
  type EnvironmentPolicy,
  energyJ,
  type MecObservation,
  type RandomStream,
  uploadS,
} from '../env/index.ts'
import { Greedy } from './greedy.ts'
import { MecModel } from './mec-model.ts'
import { Futures } from './roll-out-futures.ts'

export interface SampledPlanOptions {
  /** Slots to look ahead. Default 10. */
  readonly slots?: number
  /** Futures to sample. Default 4. */
  readonly futures?: number
}

/**
 * A plan for the present task and for the tasks of sampled futures, which a search improves placement by placement. What it
 * minimises: the weighted cost (minus the scalarised reward) of the present task plus that of all tasks ahead, mean over the
 * futures. The present task has one place in all futures, every later task one of its own, chosen as if its future were known.
 * So the cost of a good plan is less than any policy can reach; what counts is the place of the present task in it.
 */
export class SampledPlan {
  readonly futures: Futures
  /** Server of the present task, then of the task of each `[future, slot]`. */
  private readonly places: Int32Array
  /** Places whose tasks exist: 0 for the present one, 1 + future · slots + slot. */
  private readonly open: Int32Array
  private readonly costs: Float64Array
  private readonly before: Float64Array
  private readonly greedy: EnvironmentPolicy<MecObservation> = new Greedy()
  private readonly model = new MecModel()
  private observation!: MecObservation
  private weights!: ArrayLike<number>
  private flipped = -1
  private from = 0
  private ownEvaluations = 0
  /** Tasks that are placed, the present one first. */
  tasks = 0

  constructor({ slots = 10, futures = 4 }: SampledPlanOptions = {}) {
    this.futures = new Futures(futures, slots)
    this.places = new Int32Array(1 + futures * slots)
    this.open = new Int32Array(1 + futures * slots)
    this.costs = new Float64Array(futures)
    this.before = new Float64Array(futures)
  }

  /** Placements whose cost has been worked out so far. */
  get evaluations(): number {
    return this.ownEvaluations + this.greedy.evaluations
  }

  /** Mean weighted cost over the futures, the present task's own included; lower is better. */
  get cost(): number {
    let sum = 0
    for (let future = 0; future < this.costs.length; future++) sum += this.costs[future]!
    return sum / this.costs.length
  }

  /** Server of the present task. */
  get choice(): number {
    return this.places[0]!
  }

  /** A new episode begins. */
  clear(): void {
    this.futures.clear()
  }

  /** Samples futures and places every task by greedy-ω: the plan that a search starts from. */
  start(observation: MecObservation, weights: ArrayLike<number>, random: RandomStream): void {
    const { futures, places } = this
    this.observation = observation
    this.weights = weights
    this.flipped = -1
    futures.see(observation)
    futures.draw(random, observation)
    places[0] = this.greedy.act(observation, weights)
    this.open[0] = 0
    this.tasks = 1
    const slots = this.slotsAhead()
    for (let future = 0; future < futures.futures; future++) {
      this.costs[future] = this.play(future, true)
      for (let slot = 0; slot < slots; slot++) {
        const at = future * futures.slots + slot
        if (futures.bits[at]! > 0) this.open[this.tasks++] = 1 + at
      }
    }
  }

  /** Where task `task` (0 … `tasks` − 1) goes. */
  placeOf(task: number): number {
    return this.places[this.open[task]!]!
  }

  /** Sends one task elsewhere and returns the plan's new {@link cost}. {@link undo} takes back the last such flip. */
  flip(task: number, server: number): number {
    const place = this.open[task]!
    this.flipped = place
    this.from = this.places[place]!
    this.before.set(this.costs)
    this.places[place] = server
    if (place === 0) {
      for (let future = 0; future < this.costs.length; future++) this.costs[future] = this.play(future, false)
    } else {
      const future = Math.floor((place - 1) / this.futures.slots)
      this.costs[future] = this.play(future, false)
    }
    return this.cost
  }

  undo(): void {
    if (this.flipped < 0) return
    this.places[this.flipped] = this.from
    this.costs.set(this.before)
    this.flipped = -1
  }

  private slotsAhead(): number {
    const { slots, slot } = this.observation
    return Math.min(this.futures.slots, slots - slot - 1)
  }

  /** Cost of a future, with the places of the plan or with greedy's, which then become the plan's. */
  private play(future: number, byGreedy: boolean): number {
    const { futures, places, observation, weights, greedy } = this
    const model = this.model.of(observation)
    let cost = this.place(model, places[0]!)
    for (let slot = 0, slots = this.slotsAhead(); slot < slots; slot++) {
      const at = future * futures.slots + slot
      model.queues.advance(observation.slotS)
      model.taskBits = futures.bits[at]!
      if (model.taskBits === 0) continue
      model.slot = observation.slot + slot + 1
      model.backlog = futures.waiting[at]!
      model.rateBps = futures.ratesOf(futures.user[at]!)
      if (byGreedy) places[1 + at] = greedy.act(model, weights)
      cost += this.place(model, places[1 + at]!)
    }
    return cost
  }

  private place(model: MecObservation, server: number): number {
    const { weights } = this
    const cost =
      weights[0]! * model.delayScale * delayS(model, server) +
      weights[1]! * model.energyScale * energyJ(model, server)
    model.queues.add(server, model.taskBits, uploadS(model, server))
    this.ownEvaluations++
    return cost
  }
}
