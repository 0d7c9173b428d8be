import {
  type EnvironmentPolicy,
  type MecObservation,
  RandomStream,
  ServerQueues,
  uploadS,
} from '../env/index.ts'
import { Greedy, placementCost } from './greedy.ts'
import { Futures } from './roll-out-futures.ts'

export interface RollOutOptions {
  /** Slots to look ahead. Default 30. */
  readonly slots?: number
  /** Futures to sample. Default 10. */
  readonly futures?: number
}

type Model = { -readonly [K in keyof MecObservation]: MecObservation[K] }

/**
 * One-step roll-out on top of {@link Greedy}: tries each server for this task, plays sampled futures on with the greedy rule,
 * and takes the server with the least cost in the mean. All servers meet the same futures (common random numbers). It looks
 * at the waiting line, which the published encoding hides, and costs thousands of evaluations a decision: a yardstick and a
 * teacher rather than a policy for a device.
 */
export class RollOut implements EnvironmentPolicy<MecObservation> {
  readonly name = 'roll-out'
  private readonly greedy = new Greedy()
  private readonly random = new RandomStream(0)
  private readonly futures: Futures
  private ownEvaluations = 0
  private model: Model | undefined

  constructor({ slots = 30, futures = 10 }: RollOutOptions = {}) {
    this.futures = new Futures(futures, slots)
  }

  get evaluations(): number {
    return this.ownEvaluations + this.greedy.evaluations
  }

  begin(seed: number): void {
    this.random.seed(seed, 0x726f6c6c)
    this.futures.clear()
  }

  act(observation: MecObservation, weights: ArrayLike<number>): number {
    if (observation.taskBits === 0) return 0
    const { futures } = this
    futures.see(observation)
    futures.draw(this.random, observation)
    let best = 0
    let bestCost = Infinity
    for (let server = 0; server < observation.servers; server++) {
      let cost = futures.futures * placementCost(observation, server, weights)
      for (let future = 0; future < futures.futures; future++) {
        cost += this.costAfter(observation, server, future, weights)
      }
      this.ownEvaluations++
      if (cost < bestCost) {
        best = server
        bestCost = cost
      }
    }
    return best
  }

  /** Cost of the tasks that one future brings after this task went to `server`. */
  private costAfter(
    observation: MecObservation,
    server: number,
    future: number,
    weights: ArrayLike<number>,
  ): number {
    const { futures, greedy } = this
    const model = this.modelOf(observation)
    const slots = Math.min(futures.slots, observation.slots - observation.slot - 1)
    let cost = 0
    model.queues.add(server, observation.taskBits, uploadS(observation, server))
    for (let slot = 0; slot < slots; slot++) {
      model.queues.advance(observation.slotS)
      model.taskBits = futures.bits[future * futures.slots + slot]!
      if (model.taskBits === 0) continue
      model.rateBps = futures.ratesOf(futures.user[future * futures.slots + slot]!)
      const next = greedy.act(model, weights)
      cost += placementCost(model, next, weights)
      model.queues.add(next, model.taskBits, uploadS(model, next))
    }
    return cost
  }

  /** A copy of the system to play on. */
  private modelOf(observation: MecObservation): Model {
    const { servers, capacity } = observation.queues
    if (this.model?.queues.servers !== servers || this.model.queues.capacity !== capacity) {
      this.model = { ...observation, queues: new ServerQueues(servers, capacity) }
    }
    const { queues } = this.model
    Object.assign(this.model, observation, { queues })
    queues.copyFrom(observation.queues)
    return this.model
  }
}
