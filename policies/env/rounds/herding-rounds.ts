import { policyError } from '../../errors.ts'
import { TangWongEnvironment } from '../tang-wong/tang-wong-environment.ts'
import {
  ACTIVITY_SLOTS,
  type TangWongObservation,
  tangWongObservation,
} from '../tang-wong/tang-wong-observation.ts'
import { type TangWongOptions, tangWongSettings } from '../tang-wong/tang-wong-options.ts'
import type { OffloadObservation } from './offload-observation.ts'
import type { RoundEnvironment, RoundOutcomes } from './round-environment.ts'

/**
 * Tang and Wong's queue with all devices of a slot as agents that decide at once. Drops cost two deadlines, as published. What
 * is seen of the fogs is how many shared each in the slot before.
 */
export class HerdingRounds implements RoundEnvironment {
  readonly name = 'herding'
  readonly agents: number
  readonly places: number
  readonly acting: Uint8Array
  readonly speaking: Uint8Array
  readonly outcomes: RoundOutcomes
  readonly world: TangWongEnvironment
  private readonly seen: TangWongObservation
  private readonly slotS: number
  private readonly slots: number
  private begun = false

  constructor(options: TangWongOptions = {}) {
    const settings = tangWongSettings(options)
    const { devices, fogs, slots, slotS } = settings
    this.world = new TangWongEnvironment(options)
    this.agents = devices
    this.places = 1 + fogs
    this.slotS = slotS
    this.slots = slots
    this.acting = this.speaking = new Uint8Array(devices)
    const most = slots * devices
    this.outcomes = {
      count: 0,
      agent: new Int32Array(most),
      round: new Int32Array(most),
      cost: new Float64Array(most),
    }
    this.seen = tangWongObservation(settings)
  }

  get round(): number {
    return this.world.slot
  }

  get over(): boolean {
    return this.begun && this.world.slot >= this.slots
  }

  reset(seed: number): void {
    this.world.reset({ seed })
    this.begun = true
    this.outcomes.count = 0
    this.mark()
  }

  observe(agent: number, into: OffloadObservation): void {
    const { seen, slotS } = this
    this.world.observe(agent, seen)
    const { fogs, activity, fogMbitPerSlot, deadlineSlots } = seen
    into.deadlineS = deadlineSlots * slotS
    into.restS = 0
    into.priority = 0
    into.waitS[0] = seen.localWaitSlots * slotS
    into.transferS[0] = into.queueS[0] = 0
    into.executionS[0] = seen.localSlots * slotS
    into.sharers[0] = 1
    for (let fog = 0; fog < fogs; fog++) {
      const place = 1 + fog
      into.waitS[place] = seen.uplinkWaitSlots * slotS
      into.transferS[place] = seen.uplinkSlots * slotS
      into.executionS[place] = (seen.taskMbit / fogMbitPerSlot) * slotS
      into.queueS[place] = (seen.ownFogMbit[fog]! / fogMbitPerSlot) * slotS
      into.sharers[place] = Math.max(1, activity[(ACTIVITY_SLOTS - 1) * fogs + fog]!)
    }
  }

  step(actions: ArrayLike<number>): void {
    if (this.over || !this.begun)
      throw policyError('EPISODE_OVER', 'herding: the episode is over; call reset()')
    const { world, outcomes } = this
    const { slot } = world
    outcomes.count = 0
    // A slot without tasks, at the beginning of an episode, is passed by any action.
    do {
      const { info } = world.step(actions[world.device] ?? 0)
      for (let at = 0; at < info.ended; at++) {
        const slots = info.endedDelaySlots[at]!
        outcomes.agent[outcomes.count] = info.endedDevice[at]!
        outcomes.round[outcomes.count] = info.endedBornSlot[at]!
        outcomes.cost[outcomes.count++] = slots === 0 ? 2 : slots / this.seen.deadlineSlots
      }
    } while (world.slot === slot)
    this.mark()
  }

  /** Drop ratio, and mean delay in slots of the tasks that were done. */
  summary(): { dropRatio: number; delaySlots: number } {
    const { tasks, dropped, done, delaySlots } = this.world.info
    return { dropRatio: tasks > 0 ? dropped / tasks : 0, delaySlots: done > 0 ? delaySlots / done : 0 }
  }

  private mark(): void {
    for (let agent = 0; agent < this.agents; agent++) {
      this.acting[agent] = this.world.newTaskMbit(agent) > 0 ? 1 : 0
    }
  }
}
