import { policyError } from '../../errors.ts'
import type {
  ForkableEnvironment,
  ResetOptions,
  ResetResult,
  RewardSpace,
  StepResult,
} from '../environment.ts'
import { RandomStream } from '../random-stream.ts'
import { FogQueues } from './fog-queues.ts'
import {
  ACTIVITY_SLOTS,
  TANG_WONG_OBSERVATION,
  type TangWongObservation,
  tangWongObservation,
} from './tang-wong-observation.ts'
import { type TangWongOptions, type TangWongSettings, tangWongSettings } from './tang-wong-options.ts'

/** The episode so far, and which tasks the last step brought to an end. The same object at every step. */
export interface TangWongInfo {
  /** Tasks that have come, are done and were dropped so far. */
  tasks: number
  done: number
  dropped: number
  /** Slots that the done ones took, summed. */
  delaySlots: number
  /** Tasks that ended in this step, the first `ended` entries of the arrays: whose they were and in which slot they came. */
  ended: number
  readonly endedDevice: Int32Array
  readonly endedBornSlot: Int32Array
  /** Slots that each took; 0: it was dropped. */
  readonly endedDelaySlots: Int32Array
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * Tang and Wong's multi-device queue (IEEE TMC 2022, arXiv 2005.08453; constants and order of events as in the authors' code): 50
 * devices with a processor and an uplink each, five fogs that share their processors equally among the devices with work there,
 * and a deadline after which a task is dropped.
 *
 * One step is the decision of one device with a new task. The devices that have one decide in turn, and see nothing of what
 * the others chose in the same slot; after the last of them the slot passes, and so do slots without a task. Actions: 0 the
 * device itself, 1 … the fogs. Rewards tell of the tasks that ended since: `delay` −1 a slot of each task done, `drop` −2 ·
 * deadline for each dropped; the published reward is their sum. `info.ended…` tells which tasks these were, so that
 * each decision can be given what it brought. An episode terminates with its last task.
 */
export class TangWongEnvironment implements ForkableEnvironment<TangWongObservation, TangWongInfo> {
  readonly name = 'tang-wong'
  readonly observationVersion = TANG_WONG_OBSERVATION
  readonly actionCount: number
  readonly rewardSpace: RewardSpace
  readonly info: TangWongInfo

  private readonly settings: TangWongSettings
  private readonly random = new RandomStream(0)
  private readonly localMbitPerSlot: number
  private readonly uplinkMbitPerSlot: number
  private readonly queues: FogQueues
  /** `[slot, device]`: size of the task that comes, 0 for none; when it ends if that is known, else −1; whether it is dropped. */
  private readonly taskMbit: Float64Array
  private readonly endSlot: Int32Array
  private readonly isDropped: Uint8Array
  /** First slot in which the processor and the uplink of each device are free. */
  private readonly localFree: Int32Array
  private readonly uplinkFree: Int32Array
  private readonly seen: Writable<TangWongObservation>
  private readonly result: Writable<StepResult<TangWongObservation, TangWongInfo>>
  private over = true

  /** Throws IsthmusError `BAD_OPTION` that names the field. */
  constructor(options: TangWongOptions = {}) {
    this.settings = tangWongSettings(options)
    const { devices, fogs, slots, slotS, deadlineSlots, deviceGhz, fogGhz, uplinkMbps, gigacyclesPerMbit } =
      this.settings
    this.actionCount = 1 + fogs
    this.rewardSpace = { names: ['delay', 'drop'], low: [-Infinity, -Infinity], high: [0, 0] }
    this.localMbitPerSlot = (deviceGhz * slotS) / gigacyclesPerMbit
    this.uplinkMbitPerSlot = uplinkMbps * slotS
    const fogMbitPerSlot = (fogGhz * slotS) / gigacyclesPerMbit
    this.queues = new FogQueues(devices, fogs, deadlineSlots, fogMbitPerSlot)
    this.taskMbit = new Float64Array(slots * devices)
    this.endSlot = new Int32Array(slots * devices)
    this.isDropped = new Uint8Array(slots * devices)
    this.localFree = new Int32Array(devices)
    this.uplinkFree = new Int32Array(devices)
    this.info = {
      tasks: 0,
      done: 0,
      dropped: 0,
      delaySlots: 0,
      ended: 0,
      endedDevice: new Int32Array(slots * devices),
      endedBornSlot: new Int32Array(slots * devices),
      endedDelaySlots: new Int32Array(slots * devices),
    }
    this.seen = tangWongObservation(this.settings)
    this.result = {
      observation: this.seen,
      reward: new Float64Array(2),
      terminated: false,
      truncated: false,
      info: this.info,
    }
  }

  reset({ seed }: ResetOptions = {}): ResetResult<TangWongObservation, TangWongInfo> {
    if (seed !== undefined) this.random.seed(seed)
    const { info, seen, settings } = this
    info.tasks = info.done = info.dropped = info.delaySlots = info.ended = 0
    if (settings.recordedMbit) this.taskMbit.set(settings.recordedMbit)
    else this.drawTasks(0)
    this.endSlot.fill(-1)
    this.isDropped.fill(0)
    this.localFree.fill(0)
    this.uplinkFree.fill(0)
    this.queues.clear()
    seen.activity.fill(0)
    seen.slot = 0
    seen.device = -1
    this.over = false
    this.nextDecision()
    // Without any task the first step, of whatever action, ends the episode.
    if (seen.slot === settings.slots) this.over = false
    return { observation: seen, info }
  }

  get observation(): TangWongObservation {
    return this.seen
  }

  /** The tasks of this slot are there; those of later ones are drawn anew from `seed`, unless they are recorded. */
  forkFrom(other: this, seed: number): void {
    this.checkSame(other)
    const { info, seen, settings } = this
    const { ownFogMbit, activity, ...plain } = other.seen
    Object.assign(seen, plain)
    seen.ownFogMbit.set(ownFogMbit)
    seen.activity.set(activity)
    const { endedDevice, endedBornSlot, endedDelaySlots, ...counts } = other.info
    Object.assign(info, counts)
    info.endedDevice.set(endedDevice.subarray(0, counts.ended))
    info.endedBornSlot.set(endedBornSlot.subarray(0, counts.ended))
    info.endedDelaySlots.set(endedDelaySlots.subarray(0, counts.ended))
    this.taskMbit.set(other.taskMbit)
    this.endSlot.set(other.endSlot)
    this.isDropped.set(other.isDropped)
    this.localFree.set(other.localFree)
    this.uplinkFree.set(other.uplinkFree)
    this.queues.copyFrom(other.queues)
    this.over = other.over
    this.random.seed(seed)
    if (!settings.recordedMbit) this.drawTasks(seen.slot + 1)
  }

  private checkSame({ settings }: this): void {
    for (const size of ['devices', 'fogs', 'slots', 'deadlineSlots'] as const) {
      if (settings[size] === this.settings[size]) continue
      throw policyError(
        'BAD_OPTION',
        `tang-wong: ${size} is ${this.settings[size]}, of the origin ${settings[size]}; a fork must have the same`,
      )
    }
  }

  step(action: number): StepResult<TangWongObservation, TangWongInfo> {
    const { seen, info, result } = this
    if (this.over) throw policyError('EPISODE_OVER', 'tang-wong: the episode is over; call reset()')
    if (!(action >= 0 && action < this.actionCount && Number.isInteger(action))) {
      throw policyError('BAD_ACTION', `tang-wong: action ${action} is none of 0 … ${this.actionCount - 1}`)
    }
    info.ended = 0
    result.reward.fill(0)
    if (seen.taskMbit > 0) {
      info.tasks++
      if (action === 0) this.placeLocally()
      else this.placeAt(action - 1)
    }
    this.nextDecision()
    result.terminated = this.over
    return result
  }

  validActions(mask: Uint8Array): number {
    if (mask.length !== this.actionCount) {
      throw policyError(
        'BAD_ACTION',
        `tang-wong: the mask holds ${mask.length} actions, not ${this.actionCount}`,
      )
    }
    mask.fill(1)
    return mask.length
  }

  /** The tasks of slot `first` and all after it. */
  private drawTasks(first: number): void {
    const { devices, slots, deadlineSlots, arrivalChance, taskMbit } = this.settings
    this.taskMbit.fill(0, first * devices)
    for (let at = first * devices; at < (slots - deadlineSlots) * devices; at++) {
      const mbit = this.random.between(taskMbit[0], taskMbit[1])
      if (this.random.uniform() < arrivalChance) this.taskMbit[at] = mbit
    }
  }

  /** A processor is first in, first out and nobody else's: when the task ends is known at once. */
  private placeLocally(): void {
    const { device, slot, localWaitSlots, localSlots, deadlineSlots } = this.seen
    const end = slot + localWaitSlots + localSlots - 1
    const deadline = slot + deadlineSlots - 1
    this.localFree[device] = Math.min(end, deadline) + 1
    this.end(slot, device, Math.min(end, deadline), end > deadline)
  }

  /** So is an uplink. */
  private placeAt(fog: number): void {
    const { device, slot, uplinkWaitSlots, uplinkSlots, deadlineSlots, taskMbit } = this.seen
    const end = slot + uplinkWaitSlots + uplinkSlots - 1
    const deadline = slot + deadlineSlots - 1
    this.uplinkFree[device] = Math.min(end, deadline) + 1
    if (end > deadline) this.end(slot, device, deadline, true)
    else this.queues.add(device, fog, taskMbit, slot, end + 1)
  }

  private end(born: number, device: number, slot: number, dropped: boolean): void {
    const at = born * this.settings.devices + device
    this.endSlot[at] = slot
    this.isDropped[at] = dropped ? 1 : 0
  }

  /** Goes on to the next device with a new task, letting slots pass; after the last slot the episode is over. */
  private nextDecision(): void {
    const { seen, settings } = this
    const { devices, slots } = settings
    for (;;) {
      seen.device++
      if (seen.device === devices) {
        this.passSlot()
        seen.device = 0
      }
      if (seen.slot === slots) {
        seen.device = seen.taskMbit = 0
        seen.localWaitSlots = seen.uplinkWaitSlots = seen.localSlots = seen.uplinkSlots = 0
        seen.ownFogMbit.fill(0)
        this.over = true
        return
      }
      seen.taskMbit = this.taskMbit[seen.slot * devices + seen.device]!
      if (seen.taskMbit > 0) break
    }
    this.lookAs(seen.device, seen)
  }

  /** The slot, `slots` when all are over, and the device whose turn it is. */
  get slot(): number {
    return this.seen.slot
  }

  get device(): number {
    return this.seen.device
  }

  /** Size of the task that came to `device` in this slot, Mbit; 0: none. */
  newTaskMbit(device: number): number {
    const { slot, slots } = this.seen
    return slot === slots ? 0 : this.taskMbit[slot * this.settings.devices + device]!
  }

  /** Writes what `device` sees in this slot: the same whoever of the slot's devices has decided already. */
  observe(device: number, into: TangWongObservation): void {
    const { slot, activity } = this.seen
    const written = into as Writable<TangWongObservation>
    written.device = device
    written.slot = slot
    written.taskMbit = this.newTaskMbit(device)
    written.activity.set(activity)
    this.lookAs(device, written)
  }

  /** Devices that have work at each fog, on its way there included: what nobody in the environment is told. */
  queuesAt(fog: number): number {
    return this.queues.withTasks(fog)
  }

  /** Whether `device` has anything at a fog, on its way there included. */
  hasTaskAt(device: number, fog: number): boolean {
    return this.queues.hasTask(device, fog)
  }

  private lookAs(device: number, seen: Writable<TangWongObservation>): void {
    const { slot, taskMbit } = seen
    seen.localWaitSlots = Math.max(0, this.localFree[device]! - slot)
    seen.uplinkWaitSlots = Math.max(0, this.uplinkFree[device]! - slot)
    seen.localSlots = Math.ceil(taskMbit / this.localMbitPerSlot)
    seen.uplinkSlots = Math.ceil(taskMbit / this.uplinkMbitPerSlot)
    for (let fog = 0; fog < this.settings.fogs; fog++) {
      seen.ownFogMbit[fog] = this.queues.left(device, fog, slot)
    }
  }

  private passSlot(): void {
    const { seen, queues, settings } = this
    const { slot, activity } = seen
    // What the fogs tell is how many shared them in this slot, counted before it.
    activity.copyWithin(0, settings.fogs)
    activity.set(queues.active, (ACTIVITY_SLOTS - 1) * settings.fogs)
    queues.work(slot, this.fogTaskEnd)
    for (let born = Math.max(0, slot - settings.deadlineSlots); born <= slot; born++) {
      for (let device = 0; device < settings.devices; device++) {
        const at = born * settings.devices + device
        if (this.endSlot[at] === slot) this.report(born, device, this.isDropped[at] === 1)
      }
    }
    seen.slot++
  }

  private readonly fogTaskEnd = (device: number, born: number, dropped: boolean): void =>
    this.end(born, device, this.seen.slot, dropped)

  private report(born: number, device: number, dropped: boolean): void {
    const { info, result, seen, settings } = this
    const delaySlots = seen.slot - born + 1
    info.endedDevice[info.ended] = device
    info.endedBornSlot[info.ended] = born
    info.endedDelaySlots[info.ended++] = dropped ? 0 : delaySlots
    if (dropped) {
      info.dropped++
      result.reward[1] = result.reward[1]! - 2 * settings.deadlineSlots
    } else {
      info.done++
      info.delaySlots += delaySlots
      result.reward[0] = result.reward[0]! - delaySlots
    }
  }
}
