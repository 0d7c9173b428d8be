import { RandomStream } from '../../env/random-stream.ts'
import { policyError } from '../../errors.ts'
import { type Candidate, candidatesOf, ENVELOPE_BYTES } from '../candidates.ts'
import { BatchingServer } from './batching-server.ts'
import { EnergyAccount } from './energy-account.ts'
import { EventHeap } from './event-heap.ts'
import { FifoServer } from './fifo-server.ts'
import { FleetArrivals } from './fleet-arrivals.ts'
import { FleetKnowledge, type FleetObservation, PROBE_BITS } from './fleet-knowledge.ts'
import { drawnFrom, FleetLinks } from './fleet-links.ts'
import { type FleetOptions, type FleetSettings, fleetSettings, type ServerSettings } from './fleet-options.ts'
import { FleetOutcomes } from './fleet-outcomes.ts'
import type { FleetPolicy } from './fleet-policy.ts'
import { type FleetResult, resultOf } from './fleet-result.ts'
import { FramePool } from './frame-pool.ts'
import { hashedSize } from './hashed-random.ts'
import type { FrameEnds, ServerContext, ServerQueue } from './server-queue.ts'
import { SharingServer } from './sharing-server.ts'

const COMPUTE = 0
const SEND = 1
const LISTEN = 2
const IDLE = 3
const SIZES = 0x73697a65
/** A probe that takes longer is given up, s. */
const LONGEST_PROBE_S = 10

/**
 * A fleet of devices and the servers that they share, in virtual time. Each frame that comes is one decision: a mode, and a server for it.
 * A device's processor and radio take frames in order; what is not done by its deadline is given up there, with the energy spent until
 * then. Servers throw away what they could not begin by its deadline. Equal seeds bring every policy the same frames and links.
 *
 * Devices' processors, radios and FIFO servers need no events, for their ends follow in closed form: only frames to come and messages on
 * their way wait in a heap.
 */
export class FleetSimulation implements FrameEnds {
  readonly candidates: readonly Candidate[]
  readonly devices: number
  /** Time of the frame that is decided on, s, */
  nowS = 0
  /** and its size: what its head, bytes and tail are multiplied with. */
  size = 1

  private readonly settings: FleetSettings
  /** What is after it has not happened. */
  private readonly limitS: number
  private readonly arrivals: FleetArrivals
  private readonly links: FleetLinks
  private readonly energy: EnergyAccount
  private readonly outcomes: FleetOutcomes
  private readonly frames = new FramePool()
  private readonly servers: readonly ServerQueue[]
  private readonly underWay: readonly EventHeap[]
  private readonly serverFrames: Int32Array
  private readonly nextReportS: Float64Array
  /** Until when each server's time has passed. */
  private readonly clockS: Float64Array
  private readonly knowledge: FleetKnowledge
  // By candidate.
  private readonly headS: Float64Array
  private readonly bits: Float64Array
  private readonly tailS: Float64Array
  private readonly place: Int32Array
  private readonly accuracy: Float64Array
  private readonly chosen: Float64Array
  // By group of devices.
  private readonly deadlineS: Float64Array
  private readonly computeW: Float64Array
  private readonly sendW: Float64Array
  private readonly listenW: Float64Array
  private readonly idleW: Float64Array
  private readonly batteryJ: Float64Array
  private readonly sizeVariation: Float64Array
  private readonly halfRttS: Float64Array
  // By device.
  private readonly group: Int32Array
  private readonly speed: Float64Array
  private readonly processorFreeS: Float64Array
  private readonly radioFreeS: Float64Array
  private readonly deviceFrames: Int32Array
  private readonly diedS: Float64Array

  private decisions = 0
  private deadDevices = 0
  private over = false

  /** Throws IsthmusError `BAD_OPTION` or `BAD_TRACE` that names the field. */
  constructor(options: FleetOptions) {
    const settings = fleetSettings(options)
    const { groups, servers, modes, devices, seed } = settings
    this.settings = settings
    this.devices = devices
    this.limitS = settings.atHorizon === 'drain' ? Infinity : settings.horizonS
    this.arrivals = new FleetArrivals(settings)
    this.links = new FleetLinks(settings)
    this.energy = new EnergyAccount(devices)
    this.outcomes = new FleetOutcomes(devices, this.limitS)
    const context: ServerContext = { frames: this.frames, ends: this, limitS: this.limitS }
    this.servers = servers.map((server) => queueOf(server, context))
    this.underWay = servers.map(() => new EventHeap())
    this.serverFrames = new Int32Array(servers.length)
    this.nextReportS = new Float64Array(servers.length).fill(settings.reportS)
    this.clockS = new Float64Array(servers.length).fill(-1)
    this.candidates = candidatesOf(modes, servers.length)
    const { candidates } = this
    const speeds = Float64Array.from(servers, ({ speed }) => speed)
    this.headS = Float64Array.from(candidates, ({ mode }) => mode.headMs / 1000)
    this.bits = Float64Array.from(candidates, ({ mode }) => 8 * mode.payloadBytes)
    this.tailS = Float64Array.from(candidates, ({ mode, server }) =>
      server < 0 ? 0 : mode.tailMs / 1000 / speeds[server]!,
    )
    this.place = Int32Array.from(candidates, ({ server }) => server)
    this.accuracy = Float64Array.from(candidates, ({ mode }) => mode.accuracy)
    this.chosen = new Float64Array(candidates.length)
    this.deadlineS = Float64Array.from(groups, ({ deadlineS }) => deadlineS)
    this.computeW = Float64Array.from(groups, ({ power }) => power.computeW)
    this.sendW = Float64Array.from(groups, ({ power }) => power.sendW)
    this.listenW = Float64Array.from(groups, ({ power }) => power.listenW)
    this.idleW = Float64Array.from(groups, ({ idleW }) => idleW)
    this.batteryJ = Float64Array.from(groups, ({ batteryJ }) => batteryJ)
    this.sizeVariation = Float64Array.from(groups, ({ sizeVariation }) => sizeVariation)
    this.halfRttS = Float64Array.from(servers, ({ rttS }) => rttS / 2)
    this.group = new Int32Array(devices)
    this.speed = new Float64Array(devices)
    this.processorFreeS = new Float64Array(devices)
    this.radioFreeS = new Float64Array(devices)
    this.deviceFrames = new Int32Array(devices)
    this.diedS = new Float64Array(devices).fill(Infinity)
    const random = new RandomStream(seed, 0x666c6565)
    let device = 0
    for (const [at, { count, speed }] of groups.entries()) {
      for (const end = device + count; device < end; device++) {
        this.group[device] = at
        this.speed[device] = drawnFrom(random, speed)
      }
    }
    this.knowledge = new FleetKnowledge(settings, candidates, speeds)
  }

  /**
   * Plays the fleet from 0 to the horizon, once. Throws IsthmusError `BAD_ACTION` when the policy names no candidate and
   * `EPISODE_OVER` when it has been played.
   */
  run(policy: FleetPolicy): FleetResult {
    if (this.over) throw policyError('EPISODE_OVER', 'fleet: it has been played; make a new simulation')
    this.over = true
    const { arrivals, group, deviceFrames, settings, sizeVariation, place } = this
    const { horizonS, seed } = settings
    policy.begin?.(this)
    const due = new EventHeap(this.devices)
    for (let device = 0; device < this.devices; device++) {
      const firstS = arrivals.firstS(device, group[device]!)
      if (firstS < Infinity) due.push(firstS, device)
    }
    const actions = this.candidates.length
    for (let nowS = due.firstKey; nowS < horizonS; nowS = due.firstKey) {
      const device = due.first
      const kind = group[device]!
      if (this.isDead(device, kind, nowS)) {
        due.pop()
        continue
      }
      const frame = deviceFrames[device]!++
      this.nowS = nowS
      this.size = hashedSize(seed ^ SIZES, device, frame, sizeVariation[kind]!)
      const action = policy.decide(this, device)
      if (!(action >= 0 && action < actions) || place[action] === undefined) {
        throw policyError('BAD_ACTION', `fleet: ${policy.name} chose ${action}, none of 0 … ${actions - 1}`)
      }
      this.put(device, kind, action, nowS)
      due.postpone(arrivals.nextS(device, kind, frame + 1, nowS))
    }
    for (let server = 0; server < this.servers.length; server++) this.advance(server, this.limitS)
    return this.result()
  }

  /** Time that the frame of a device has, s. */
  deadlineOf(device: number): number {
    return this.deadlineS[this.group[device]!]!
  }

  /** How long the device's processor is still busy with earlier frames, s. */
  processorWaitS(device: number): number {
    return Math.max(0, this.processorFreeS[device]! - this.nowS)
  }

  /**
   * What the device knows now, in the form that a policy on a real one gets: the same object at every call. When it is first asked, the
   * device sends a probe, to measure its link. Credits are not counted.
   */
  observe(device: number): FleetObservation {
    const { knowledge, halfRttS, nowS } = this
    if (!knowledge.knows(device)) this.probe(device)
    for (let server = 0; server < halfRttS.length; server++) this.advance(server, nowS - halfRttS[server]!)
    knowledge.update(
      device,
      nowS,
      this.deadlineOf(device),
      this.processorWaitS(device),
      this.radioFreeS[device]! > nowS,
      this.speed[device]!,
      this.group[device]!,
    )
    return knowledge.observation
  }

  done(slot: number, endS: number): void {
    const { frames } = this
    const action = frames.action[slot]!
    const answerS = endS + this.halfRttS[this.place[action]!]!
    const device = frames.device[slot]!
    const lateS = frames.lateS[slot]!
    this.listen(device, frames.sentS[slot]!, answerS < lateS ? answerS : lateS)
    this.outcomes.answer(device, this.accuracy[action]!, frames.bornS[slot]!, answerS, lateS)
    frames.release(slot)
  }

  expired(slot: number): void {
    const { frames } = this
    const device = frames.device[slot]!
    this.listen(device, frames.sentS[slot]!, frames.lateS[slot]!)
    this.outcomes.drop(device, frames.lateS[slot]!)
    frames.release(slot)
  }

  private probe(device: number): void {
    const startS = Math.max(this.nowS, this.radioFreeS[device]!)
    const longestS = Math.max(startS, Math.min(startS + LONGEST_PROBE_S, this.limitS))
    const endS = Math.min(this.links.endS(device, startS, PROBE_BITS, longestS), longestS)
    this.radioFreeS[device] = endS
    this.energy.spend(device, SEND, this.sendW[this.group[device]!]! * (endS - startS))
    this.knowledge.probed(device, this.nowS, endS - startS)
  }

  private put(device: number, kind: number, action: number, nowS: number): void {
    this.decisions++
    this.chosen[action]!++
    const lateS = nowS + this.deadlineS[kind]!
    const readyS = this.compute(device, kind, action, nowS, lateS)
    if (readyS > lateS) {
      this.outcomes.drop(device, lateS)
      return
    }
    const server = this.place[action]!
    if (server < 0) {
      this.outcomes.answer(device, this.accuracy[action]!, nowS, readyS, lateS)
      return
    }
    const freeS = this.radioFreeS[device]!
    const startS = freeS > readyS ? freeS : readyS
    if (startS >= lateS || startS > this.limitS) {
      this.outcomes.drop(device, lateS)
      return
    }
    const bits = this.size * this.bits[action]! + 8 * ENVELOPE_BYTES
    const giveUpS = lateS < this.limitS ? lateS : this.limitS
    const sentS = this.links.endS(device, startS, bits, giveUpS)
    // Without a deadline a link that has died keeps the radio busy: until the horizon, as far as that is told.
    const neverS = giveUpS < Infinity ? giveUpS : Math.max(startS, this.settings.horizonS)
    const untilS = sentS < giveUpS ? sentS : neverS
    this.radioFreeS[device] = untilS
    this.energy.spend(device, SEND, this.sendW[kind]! * (untilS - startS))
    this.knowledge.sent(device, startS, untilS, bits, sentS < Infinity)
    if (sentS === Infinity) {
      this.outcomes.drop(device, lateS)
      return
    }
    const { frames } = this
    const slot = frames.take()
    frames.device[slot] = device
    frames.action[slot] = action
    frames.bornS[slot] = nowS
    frames.lateS[slot] = lateS
    frames.sentS[slot] = sentS
    frames.serviceS[slot] = this.size * this.tailS[action]!
    this.underWay[server]!.push(sentS + this.halfRttS[server]!, slot)
    // Lets the server keep up, so that little is on its way at a time.
    if (this.underWay[server]!.firstKey <= nowS) this.advance(server, nowS)
  }

  /** When the head is done; `Infinity` when the deadline comes first. */
  private compute(device: number, kind: number, action: number, nowS: number, lateS: number): number {
    const headS = (this.size * this.headS[action]!) / this.speed[device]!
    if (headS === 0) return nowS
    const freeS = this.processorFreeS[device]!
    const startS = freeS > nowS ? freeS : nowS
    if (startS >= lateS) return Infinity
    const endS = startS + headS
    const untilS = endS < lateS ? endS : lateS
    this.processorFreeS[device] = untilS
    const spentS = Math.min(untilS, this.limitS) - Math.min(startS, this.limitS)
    this.energy.spend(device, COMPUTE, this.computeW[kind]! * spentS)
    return endS <= lateS ? endS : Infinity
  }

  private listen(device: number, fromS: number, untilS: number): void {
    const spentS = Math.min(untilS, this.limitS) - fromS
    this.energy.spend(device, LISTEN, this.listenW[this.group[device]!]! * spentS)
  }

  /** Frames that are at a server or on their way when the horizon comes. */
  private leaveUnfinished(): void {
    const { used, device, sentS, lateS } = this.frames
    for (let slot = 0; slot < used.length; slot++) {
      if (used[slot] === 0) continue
      this.listen(device[slot]!, sentS[slot]!, lateS[slot]!)
      this.outcomes.drop(device[slot]!, lateS[slot]!)
    }
  }

  /** Lets a server take what has come by `untilS`, and report. */
  private advance(server: number, untilS: number): void {
    if (untilS <= this.clockS[server]!) return
    this.clockS[server] = untilS
    const queue = this.servers[server]!
    const heap = this.underWay[server]!
    for (;;) {
      const atS = heap.firstKey
      const reportS = this.nextReportS[server]!
      if (reportS <= atS && reportS <= untilS && reportS <= this.settings.horizonS) {
        queue.advance(reportS)
        this.knowledge.report(server, reportS, queue.waitS(reportS))
        this.nextReportS[server] = reportS + this.settings.reportS
      } else if (atS <= untilS && atS < Infinity) {
        queue.advance(atS)
        this.serverFrames[server]!++
        queue.arrive(heap.pop(), atS)
      } else break
    }
    queue.advance(untilS)
  }

  private isDead(device: number, kind: number, nowS: number): boolean {
    const batteryJ = this.batteryJ[kind]!
    if (batteryJ === Infinity) return false
    if (this.energy.deviceJ(device) + this.idleW[kind]! * nowS < batteryJ) return false
    this.diedS[device] = nowS
    this.deadDevices++
    return true
  }

  private result(): FleetResult {
    const { settings, energy, candidates, servers, serverFrames, deviceFrames } = this
    this.leaveUnfinished()
    for (let device = 0; device < this.devices; device++) {
      const onS = Math.min(settings.horizonS, this.diedS[device]!)
      energy.spend(device, IDLE, this.idleW[this.group[device]!]! * onS)
    }
    for (const [at, { busyW, idleW }] of settings.servers.entries()) {
      energy.spendAtServer(busyW * servers[at]!.busyS + idleW * settings.horizonS)
    }
    const byRoute = { local: 0, split: 0, edge: 0 }
    for (const [action, { mode }] of candidates.entries()) byRoute[mode.route] += this.chosen[action]!
    return resultOf(settings, this.outcomes, energy, {
      decisions: this.decisions,
      deadDevices: this.deadDevices,
      byRoute,
      deviceFrames,
      servers: servers.map(({ busyS }, at) => {
        const { discipline, workers } = settings.servers[at]!
        const processors = discipline === 'batching' ? 1 : workers
        const utilisation = busyS / (processors * settings.horizonS)
        return { frames: serverFrames[at]!, busyS, utilisation }
      }),
    })
  }
}

function queueOf(settings: ServerSettings, context: ServerContext): ServerQueue {
  const { discipline, workers, maxBatch, batchWaitS, setupS, share } = settings
  if (discipline === 'sharing') return new SharingServer(workers, context)
  if (discipline === 'fifo') return new FifoServer(workers, context)
  return new BatchingServer({ maxBatch, batchWaitS, setupS, share }, context)
}
