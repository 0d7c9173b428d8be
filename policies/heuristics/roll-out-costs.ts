import {
  delayS,
  type EnvironmentPolicy,
  energyJ,
  type MecObservation,
  RandomStream,
  uploadS,
} from '../env/index.ts'
import { Greedy } from './greedy.ts'
import { MecModel } from './mec-model.ts'
import { Futures } from './roll-out-futures.ts'

export interface RollOutOptions {
  /** Slots to look ahead. Default 30. */
  readonly slots?: number
  /** Futures to sample. Default 10. */
  readonly futures?: number
  /** Places the later tasks. Default: greedy-ω. */
  readonly base?: EnvironmentPolicy<MecObservation>
}

/**
 * What placing a task at each server brings on later tasks: sampled futures played on by a base policy. All servers meet the same
 * futures (common random numbers).
 */
export class RollOutCosts {
  private readonly random = new RandomStream(0)
  private readonly futures: Futures
  private readonly base: EnvironmentPolicy<MecObservation>
  private readonly model = new MecModel()
  private ownEvaluations = 0
  /** Seconds and joules of a future, summed over its tasks. */
  private laterS = 0
  private laterJ = 0

  constructor({ slots = 30, futures = 10, base = new Greedy() }: RollOutOptions = {}) {
    this.futures = new Futures(futures, slots)
    this.base = base
  }

  /** Candidate placements whose cost has been worked out so far, those of the base policy included. */
  get evaluations(): number {
    return this.ownEvaluations + this.base.evaluations
  }

  /** A new episode begins. */
  begin(seed: number): void {
    this.random.seed(seed, 0x726f6c6c)
    this.futures.clear()
  }

  /**
   * Mean marginal delay (s) and energy (J) of the tasks that come after this one, the base policy placing them.
   *
   * @param weights ω of the base policy
   * @param out `[servers, 2]`: the sums over the slots ahead, for this task at each server; its own cost is not in them
   */
  later(observation: MecObservation, weights: ArrayLike<number>, out: Float64Array): void {
    const { futures } = this
    futures.see(observation)
    futures.draw(this.random, observation)
    for (let server = 0; server < observation.servers; server++) {
      this.laterS = this.laterJ = 0
      for (let future = 0; future < futures.futures; future++) this.play(observation, server, future, weights)
      out[2 * server] = this.laterS / futures.futures
      out[2 * server + 1] = this.laterJ / futures.futures
    }
    this.ownEvaluations += observation.servers
  }

  private play(
    observation: MecObservation,
    server: number,
    future: number,
    weights: ArrayLike<number>,
  ): void {
    const { futures, base } = this
    const model = this.model.of(observation)
    const slots = Math.min(futures.slots, observation.slots - observation.slot - 1)
    model.queues.add(server, observation.taskBits, uploadS(observation, server))
    for (let slot = 0; slot < slots; slot++) {
      const at = future * futures.slots + slot
      model.queues.advance(observation.slotS)
      model.taskBits = futures.bits[at]!
      if (model.taskBits === 0) continue
      model.slot = observation.slot + slot + 1
      model.backlog = futures.waiting[at]!
      model.rateBps = futures.ratesOf(futures.user[at]!)
      const next = base.act(model, weights)
      this.laterS += delayS(model, next)
      this.laterJ += energyJ(model, next)
      model.queues.add(next, model.taskBits, uploadS(model, next))
    }
  }
}
