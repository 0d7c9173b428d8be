import { policyError } from '../../errors.ts'
import type {
  ForkableEnvironment,
  ResetOptions,
  ResetResult,
  RewardSpace,
  StepResult,
} from '../environment.ts'
import { RandomStream } from '../random-stream.ts'
import { gmorlRadio, publishedRate, shannonRate } from './channel.ts'
import { delayS, energyJ, MEC_OBSERVATION, type MecObservation, uploadS } from './mec-observation.ts'
import { type Drawn, type MecOptions, type MecSettings, mecSettings } from './mec-options.ts'
import { publishedDelayS } from './published-delay.ts'
import { ServerQueues } from './server-queues.ts'
import { TaskArrivals } from './task-arrivals.ts'

const CYCLES_PER_BIT = 1000
/** κ: joule of a cycle at 1 Hz² of clock. */
const CAPACITANCE = 5e-31

/** What the last step cost, and the episode so far. The same object at every step. */
export interface MecInfo {
  /** Marginal delay of the last task, seconds (with `compat` as published); 0 when there was none. */
  delayS: number
  /** Energy of the last task, joule. */
  energyJ: number
  /** Tasks placed so far. */
  tasks: number
  /** Sums over them. */
  totalDelayS: number
  totalEnergyJ: number
  /** Time that all tasks together have been uploading or in service so far, seconds. */
  sojournS: number
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * GMORL's system (arXiv 2509.10474; 2307.14346): each slot one task comes from one of the users and goes to the cloud
 * (action 0) or to an edge server (1 …). Servers share their processor equally among their jobs. Rewards: minus the exact
 * marginal delay and minus the energy of the task, scaled. Episodes are truncated after `slots` slots; {@link drain} lets the
 * servers finish. A step allocates nothing: results are overwritten by the next one.
 */
export class MecEnvironment implements ForkableEnvironment<MecObservation, MecInfo> {
  readonly name = 'mec'
  readonly observationVersion = MEC_OBSERVATION
  readonly actionCount: number
  readonly rewardSpace: RewardSpace = {
    names: ['delay', 'energy'],
    low: [-Infinity, -Infinity],
    high: [0, 0],
  }
  /** Rate of each user to each server in this episode, `[server, user]`, bit/s. */
  readonly userRateBps: Float64Array

  private readonly settings: MecSettings
  private readonly random = new RandomStream(0)
  private readonly arrivals: TaskArrivals
  private readonly queues: ServerQueues
  readonly observation: MecObservation
  readonly info: MecInfo = {
    delayS: 0,
    energyJ: 0,
    tasks: 0,
    totalDelayS: 0,
    totalEnergyJ: 0,
    sojournS: 0,
  }
  /** The same object, written to here alone. */
  private readonly seen: Writable<MecObservation>
  private readonly result: Writable<StepResult<MecObservation, MecInfo>>
  private over = true

  /** Throws IsthmusError `BAD_OPTION` that names the field. */
  constructor(options: MecOptions = {}) {
    this.settings = mecSettings(options)
    const { edges, users, slots, slotS, arrivals, delayScale, energyScale } = this.settings
    const most = 1 + (typeof edges === 'number' ? edges : edges[1])
    this.actionCount = most
    this.userRateBps = new Float64Array(most * users)
    this.arrivals = new TaskArrivals(arrivals, users)
    this.queues = new ServerQueues(most, slots + 1)
    this.observation = this.seen = {
      version: MEC_OBSERVATION,
      servers: most,
      slot: 0,
      slots,
      slotS,
      taskBits: 0,
      rateBps: new Float64Array(most),
      executionJPerBit: new Float64Array(most),
      transmitW: gmorlRadio.transmitW,
      queues: this.queues,
      backlog: 0,
      arrivals,
      meanTaskBits: 0,
      delayScale,
      energyScale,
    }
    this.result = {
      observation: this.observation,
      reward: new Float64Array(2),
      terminated: false,
      truncated: false,
      info: this.info,
    }
  }

  reset({ seed }: ResetOptions = {}): ResetResult<MecObservation, MecInfo> {
    if (seed !== undefined) this.random.seed(seed)
    this.drawSystem()
    const { info, seen: observation } = this
    info.delayS = info.energyJ = info.tasks = info.totalDelayS = info.totalEnergyJ = info.sojournS = 0
    this.queues.clear()
    this.arrivals.clear()
    observation.slot = 0
    this.over = false
    this.nextTask()
    return { observation, info }
  }

  step(action: number): StepResult<MecObservation, MecInfo> {
    const { seen: observation, info, result, queues, settings } = this
    if (this.over) throw policyError('EPISODE_OVER', 'mec: the episode is over; call reset()')
    if (!(action >= 0 && action < observation.servers && Number.isInteger(action))) {
      throw policyError('BAD_ACTION', `mec: action ${action} is none of 0 … ${observation.servers - 1}`)
    }
    info.delayS = 0
    info.energyJ = 0
    if (observation.taskBits > 0) {
      const sendS = uploadS(observation, action)
      info.delayS =
        settings.compat === 'gmorl-2023'
          ? publishedDelayS(queues, action, observation.taskBits, sendS)
          : delayS(observation, action)
      info.energyJ = energyJ(observation, action)
      info.tasks++
      info.totalDelayS += info.delayS
      info.totalEnergyJ += info.energyJ
      queues.add(action, observation.taskBits, sendS)
    }
    info.sojournS += queues.advance(settings.slotS)
    observation.slot++
    result.reward[0] = -settings.delayScale * info.delayS
    result.reward[1] = -settings.energyScale * info.energyJ
    result.truncated = this.over = observation.slot >= settings.slots
    this.nextTask()
    return result
  }

  validActions(mask: Uint8Array): number {
    if (mask.length !== this.actionCount) {
      throw policyError('BAD_ACTION', `mec: the mask holds ${mask.length} actions, not ${this.actionCount}`)
    }
    mask.fill(0)
    mask.fill(1, 0, this.observation.servers)
    return this.observation.servers
  }

  /** Ends the episode: the servers finish all jobs. Returns the sojourn time of all tasks together, seconds. */
  drain(): number {
    this.over = true
    this.info.sojournS += this.queues.advance(Infinity)
    return this.info.sojournS
  }

  forkFrom(other: this, seed: number): void {
    this.copyFrom(other)
    this.random.seed(seed)
  }

  /** Takes over the state of `other`, chance included: the same actions bring the same from here on. */
  copyFrom(other: this): void {
    this.checkSame(other)
    const { seen, arrivals } = this
    const { rateBps, executionJPerBit, queues, ...plain } = other.observation
    Object.assign(seen, plain)
    seen.rateBps.set(rateBps)
    seen.executionJPerBit.set(executionJPerBit)
    this.queues.copyFrom(queues)
    this.userRateBps.set(other.userRateBps)
    Object.assign(this.info, other.info)
    arrivals.copyFrom(other.arrivals)
    this.over = other.over
    this.random.copyFrom(other.random)
  }

  private checkSame({ settings, actionCount }: this): void {
    const { slots, users } = this.settings
    if (settings.slots === slots && settings.users === users && actionCount === this.actionCount) return
    throw policyError('BAD_OPTION', 'mec: a fork must have the slots, users and edges of its origin')
  }

  private drawSystem(): void {
    const { settings, seen: observation, queues, random } = this
    const { edges, recorded, users } = settings
    const count = typeof edges === 'number' ? edges : edges[0] + random.below(edges[1] - edges[0] + 1)
    observation.servers = 1 + count
    queues.speedBps.fill(0)
    observation.rateBps.fill(0)
    observation.executionJPerBit.fill(0)
    let capacityBps = 0
    for (let server = 0; server <= count; server++) {
      const hz = this.drawn(server === 0 ? settings.cloudHz : settings.edgeHz)
      queues.speedBps[server] = hz / CYCLES_PER_BIT
      observation.executionJPerBit[server] = CAPACITANCE * CYCLES_PER_BIT * hz * hz
      capacityBps += hz / CYCLES_PER_BIT
      for (let user = 0; user < users; user++) {
        this.userRateBps[server * users + user] = recorded
          ? recorded.rateBps[server]![user]!
          : this.drawRate(server === 0)
      }
    }
    observation.meanTaskBits = settings.meanTaskBits ?? capacityBps * settings.slotS
  }

  private drawRate(cloud: boolean): number {
    const distanceM = cloud ? this.random.between(1000, 2000) : this.random.between(50, 500)
    const fading = this.random.exponential(1)
    return this.settings.channel === 'shannon'
      ? shannonRate(gmorlRadio, distanceM, fading)
      : publishedRate(gmorlRadio, distanceM, fading)
  }

  private drawn(value: Drawn): number {
    return typeof value === 'number' ? value : this.random.between(value[0], value[1])
  }

  private nextTask(): void {
    const { seen: observation, settings, arrivals } = this
    const { recorded, users } = settings
    let user = 0
    if (this.over) {
      observation.taskBits = 0
    } else if (recorded) {
      const task = recorded.tasks[observation.slot]!
      observation.taskBits = task.bits
      user = task.user
    } else {
      arrivals.next(this.random, observation.meanTaskBits)
      observation.taskBits = arrivals.taskBits
      user = arrivals.taskUser
    }
    observation.backlog = arrivals.waiting
    for (let server = 0; server < observation.servers; server++) {
      observation.rateBps[server] = this.userRateBps[server * users + user]!
    }
  }
}
