import { policyError } from '../../errors.ts'
import { type Drawn, largest } from '../../option-checks.ts'
import { type Candidate, candidatesOf, ENVELOPE_BYTES } from '../../sim/candidates.ts'
import { LinkKnowledge, ServerKnowledge } from '../../sim/link-knowledge.ts'
import { TraceLink } from '../../sim/rate-trace.ts'
import type {
  ForkableEnvironment,
  ResetOptions,
  ResetResult,
  RewardSpace,
  StepResult,
} from '../environment.ts'
import { RandomStream } from '../random-stream.ts'
import { DevicePipeline, emptyOutcome } from './device-pipeline.ts'
import { News, type NewsItem } from './news.ts'
import { SendLine } from './send-line.ts'
import { SharedServer } from './shared-server.ts'
import { SPLIT_OBSERVATION, type SplitObservation, SplitObserver } from './split-observation.ts'
import { type SplitOptions, type SplitSettings, splitSettings } from './split-options.ts'

/** What the last frame came to, and the episode so far. The same object at every step. */
export interface SplitInfo {
  /** Seconds to the answer; of a late frame its whole time. */
  delayS: number
  /** Energy of the device, joule: the three parts together. */
  energyJ: number
  computeJ: number
  sendJ: number
  listenJ: number
  /** Probability that the answer is wrong; 1 for a late frame. */
  error: number
  late: boolean
  /** Frames so far, and sums over them. */
  frames: number
  lateFrames: number
  totalDelayS: number
  totalEnergyJ: number
  totalError: number
  /** Trace of this episode, and where it was begun, s. */
  trace: number
  offsetS: number
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Bytes of the message with which the device measures its link before the first frame. */
const PROBE_BYTES = 4096
/** Weight of the newest frame in `lateShare`. */
const LATE_NEWEST = 0.1

/**
 * Split computing on one device: each step is a frame, and the action is mode and server for it (see `candidates`). The device's
 * processor and its radio take frames in order, the link follows a trace, servers are shared with others whose load comes and goes.
 *
 * Rewards: minus delay, minus energy of the device, minus probability of error, each scaled. A frame that is not answered by its deadline
 * is given up wherever it is: its delay is the deadline, its error 1, its energy what was spent. The frame's own costs are charged
 * when it is placed; how it holds up later ones they feel themselves. Episodes are truncated after `frames` frames. Remote
 * actions are valid while credits are left, or when the table has no local mode. Results are overwritten by the next step.
 */
export class SplitEnvironment implements ForkableEnvironment<SplitObservation, SplitInfo> {
  readonly name = 'split'
  readonly observationVersion = SPLIT_OBSERVATION
  readonly actionCount: number
  readonly rewardSpace: RewardSpace
  /** What each action stands for. */
  readonly candidates: readonly Candidate[]

  private readonly settings: SplitSettings
  private readonly random = new RandomStream(0)
  private readonly links: readonly TraceLink[]
  private readonly device: DevicePipeline
  private readonly servers: readonly SharedServer[]
  private readonly speeds: Float64Array
  private readonly nextReportS: Float64Array
  private readonly uplink = new LinkKnowledge()
  private readonly known: readonly ServerKnowledge[]
  private readonly news = new News()
  private readonly line: SendLine
  private readonly observer: SplitObserver
  private readonly outcome = emptyOutcome()
  private readonly foreseen = emptyOutcome()
  readonly info: SplitInfo
  private readonly result: Writable<StepResult<SplitObservation, SplitInfo>>
  private readonly hasLocal: boolean
  private nowS = 0
  private deadlineS = 0
  private frameS = 0
  private jitterS = 0
  private frame = 0
  private lateShare = 0
  private over = true

  /** Throws IsthmusError `BAD_OPTION` or `BAD_TRACE` that names the field. */
  constructor(options: SplitOptions = {}) {
    const settings = splitSettings(options)
    this.settings = settings
    const { modes, servers, traces, power, credits, delayScale, energyScale, errorScale } = settings
    this.candidates = candidatesOf(modes, servers.length)
    this.actionCount = this.candidates.length
    this.hasLocal = modes.some(({ route }) => route === 'local')
    this.links = traces.map((trace) => new TraceLink(trace))
    this.device = new DevicePipeline(power)
    this.servers = servers.map((server) => new SharedServer(server))
    this.known = servers.map(() => new ServerKnowledge())
    this.speeds = new Float64Array(servers.length)
    this.nextReportS = new Float64Array(servers.length)
    this.line = new SendLine(4 * credits + 64)
    this.observer = new SplitObserver(settings, this.candidates)
    const longestS = largest(settings.deadlineS)
    const mostJ = longestS * (power.computeW + power.sendW + power.listenW)
    this.rewardSpace = {
      names: ['delay', 'energy', 'error'],
      low: [-delayScale * longestS, -energyScale * mostJ, -errorScale].map((low) => 1.000001 * low),
      high: [0, 0, 0],
    }
    this.info = {
      delayS: 0,
      energyJ: 0,
      computeJ: 0,
      sendJ: 0,
      listenJ: 0,
      error: 0,
      late: false,
      frames: 0,
      lateFrames: 0,
      totalDelayS: 0,
      totalEnergyJ: 0,
      totalError: 0,
      trace: 0,
      offsetS: 0,
    }
    this.result = {
      observation: this.observer.observation,
      reward: new Float64Array(3),
      terminated: false,
      truncated: false,
      info: this.info,
    }
  }

  reset({ seed }: ResetOptions = {}): ResetResult<SplitObservation, SplitInfo> {
    if (seed !== undefined) this.random.seed(seed)
    const { info, settings } = this
    info.delayS = info.energyJ = info.computeJ = info.sendJ = info.listenJ = info.error = 0
    info.frames = info.lateFrames = info.totalDelayS = info.totalEnergyJ = info.totalError = 0
    info.late = false
    this.deadlineS = this.drawn(settings.deadlineS)
    this.frameS = this.drawn(settings.frameS)
    this.frame = 0
    this.lateShare = 0
    this.over = false
    this.news.clear()
    this.line.clear()
    this.drawDevice()
    this.drawServers()
    this.observer.beginEpisode(this.deadlineS, this.frameS)
    this.nowS = this.frameS * this.random.uniform()
    this.jitterS = this.drawJitter()
    this.observe()
    return { observation: this.observer.observation, info }
  }

  step(action: number): StepResult<SplitObservation, SplitInfo> {
    if (this.over) throw policyError('EPISODE_OVER', 'split: the episode is over; call reset()')
    const { mode, server } = this.candidateOf(action)
    const { outcome, result, settings } = this
    const lateS = this.nowS + this.deadlineS
    this.run(mode, server, lateS)
    this.account(mode.accuracy)
    if (server >= 0) this.expect(server, lateS, mode.tailMs, mode.payloadBytes)
    else this.noteEnd(outcome.late)
    this.frame++
    result.truncated = this.over = this.frame >= settings.frames
    this.nowS += settings.arrivals === 'periodic' ? this.frameS : this.random.exponential(this.frameS)
    this.jitterS = this.drawJitter()
    this.observe()
    return result
  }

  validActions(mask: Uint8Array): number {
    if (mask.length !== this.actionCount) {
      throw policyError('BAD_ACTION', `split: the mask holds ${mask.length} actions, not ${this.actionCount}`)
    }
    let valid = 0
    for (let action = 0; action < mask.length; action++) {
      const isValid = this.isValid(action)
      mask[action] = isValid ? 1 : 0
      if (isValid) valid++
    }
    return valid
  }

  get observation(): SplitObservation {
    return this.observer.observation
  }

  /** The others' jobs and the link go on as they will with `other`; jitter and frames that come by chance follow from `seed`. */
  forkFrom(other: this, seed: number): void {
    const { servers, candidates, links } = other
    if (
      servers.length !== this.servers.length ||
      candidates.length !== this.candidates.length ||
      links.length !== this.links.length
    ) {
      throw policyError('BAD_OPTION', 'split: a fork must have the servers, modes and traces of its origin')
    }
    this.random.seed(seed)
    Object.assign(this.info, other.info)
    this.device.copyFrom(other.device)
    this.uplink.copyFrom(other.uplink)
    this.news.copyFrom(other.news)
    this.line.copyFrom(other.line)
    this.speeds.set(other.speeds)
    this.nextReportS.set(other.nextReportS)
    for (let server = 0; server < this.servers.length; server++) {
      this.servers[server]!.copyFrom(other.servers[server]!)
      this.known[server]!.copyFrom(other.known[server]!)
    }
    this.nowS = other.nowS
    this.deadlineS = other.deadlineS
    this.frameS = other.frameS
    this.jitterS = other.jitterS
    this.frame = other.frame
    this.lateShare = other.lateShare
    this.over = other.over
    this.observer.beginEpisode(this.deadlineS, this.frameS)
    this.observe()
  }

  /**
   * Hindsight: writes the reward that `action` would bring to `reward`, without taking it. No device can know that; it is for
   * yardsticks. Throws as {@link step} does.
   */
  foresee(action: number, reward: Float64Array): void {
    if (this.over) throw policyError('EPISODE_OVER', 'split: the episode is over; call reset()')
    const { mode, server } = this.candidateOf(action)
    const { foreseen, device, settings } = this
    const place = server < 0 ? undefined : this.servers[server]!
    device.run(mode, place, this.nowS, this.nowS + this.deadlineS, this.jitterS, false, foreseen)
    reward[0] = -settings.delayScale * foreseen.delayS
    reward[1] = -settings.energyScale * (foreseen.computeJ + foreseen.sendJ + foreseen.listenJ)
    reward[2] = -settings.errorScale * (foreseen.late ? 1 : 1 - mode.accuracy)
  }

  private candidateOf(action: number): Candidate {
    if (!(action >= 0 && action < this.actionCount && Number.isInteger(action))) {
      throw policyError('BAD_ACTION', `split: action ${action} is none of 0 … ${this.actionCount - 1}`)
    }
    if (!this.isValid(action)) {
      throw policyError('BAD_ACTION', `split: action ${action} sends, and there are no credits left`)
    }
    return this.candidates[action]!
  }

  private isValid(action: number): boolean {
    return !this.hasLocal || this.candidates[action]!.server < 0 || this.creditsLeft() > 0
  }

  private creditsLeft(): number {
    return Math.max(0, this.settings.credits - this.news.outstanding)
  }

  private run(mode: Candidate['mode'], server: number, lateS: number): void {
    const { device, outcome } = this
    if (server >= 0) {
      const place = this.servers[server]!
      // What the server tells until the frame can be there does not know of it.
      device.run(mode, place, this.nowS, lateS, this.jitterS, false, outcome)
      if (outcome.sent) this.reportUntil(server, outcome.sendUntilS + place.rttS / 2)
      device.run(mode, place, this.nowS, lateS, this.jitterS, true, outcome)
    } else {
      device.run(mode, undefined, this.nowS, lateS, this.jitterS, true, outcome)
    }
  }

  private account(accuracy: number): void {
    const { info, outcome, result, settings } = this
    info.delayS = outcome.delayS
    info.computeJ = outcome.computeJ
    info.sendJ = outcome.sendJ
    info.listenJ = outcome.listenJ
    info.energyJ = outcome.computeJ + outcome.sendJ + outcome.listenJ
    info.error = outcome.late ? 1 : 1 - accuracy
    info.late = outcome.late
    info.frames++
    if (outcome.late) info.lateFrames++
    info.totalDelayS += info.delayS
    info.totalEnergyJ += info.energyJ
    info.totalError += info.error
    result.reward[0] = -settings.delayScale * info.delayS
    result.reward[1] = -settings.energyScale * info.energyJ
    result.reward[2] = -settings.errorScale * info.error
  }

  /** Notes what the device will learn from the frame that it has just placed, and when. */
  private expect(server: number, lateS: number, tailMs: number, payloadBytes: number): void {
    const { outcome, line, news } = this
    const place = this.servers[server]!
    const bits = 8 * (payloadBytes + ENVELOPE_BYTES)
    const began = !Number.isNaN(outcome.sendFromS)
    if (began) line.add(bits, outcome.sendFromS, outcome.sendUntilS)
    const item = news.add(Math.min(outcome.answerS, lateS), true)
    item.server = server
    item.bits = began ? bits : 0
    item.sent = outcome.sent
    item.seconds = outcome.sendUntilS - outcome.sendFromS
    item.measuredS = item.waitS = item.rttS = Number.NaN
    item.waitIsBound = false
    if (!outcome.late) {
      item.rttS = place.rttS + this.jitterS
      item.waitS = outcome.waitS
      item.measuredS = outcome.answerS - place.rttS / 2
      // The device cannot tell the jitter of the round trip from the time of sending.
      item.seconds += this.jitterS - this.settings.jitterS
    } else if (outcome.sent) {
      const tailS = tailMs / 1000 / place.speed
      item.waitS = lateS - outcome.sendUntilS - place.rttS - tailS
      item.measuredS = lateS
      item.waitIsBound = true
    }
  }

  private reportUntil(server: number, untilS: number): void {
    const place = this.servers[server]!
    const { nextReportS, news } = this
    while (nextReportS[server]! <= untilS) {
      const measuredS = nextReportS[server]!
      const item = news.add(measuredS + place.rttS / 2, false)
      item.server = server
      item.measuredS = measuredS
      item.waitS = place.waitAt(measuredS)
      item.waitIsBound = false
      item.rttS = Number.NaN
      item.bits = 0
      nextReportS[server]! += this.settings.reportS
    }
  }

  private observe(): void {
    const { nowS, servers, news, device, uplink, known, line } = this
    for (let server = 0; server < servers.length; server++) {
      this.reportUntil(server, nowS - servers[server]!.rttS / 2)
    }
    for (let item = news.next(nowS); item; item = news.next(nowS)) this.learn(item)
    this.observer.observe(
      this.frame,
      nowS,
      this.creditsLeft(),
      this.lateShare,
      Math.max(0, device.processorFreeS - nowS),
      device.speed,
      line.waitS(nowS, uplink.rateBps),
      uplink,
      known,
      this.speeds,
    )
  }

  private learn(item: NewsItem): void {
    const server = this.known[item.server]!
    if (item.bits > 0) {
      if (item.sent) this.uplink.measure(item.knownS, item.bits, item.seconds)
      else this.uplink.measureBound(item.knownS, item.bits, item.seconds)
    }
    if (item.rttS >= 0) server.roundTrip(item.rttS)
    if (item.waitIsBound) server.reportBound(item.measuredS, item.waitS)
    else if (item.waitS >= 0) server.report(item.measuredS, item.waitS)
    if (item.ofFrame) this.noteEnd(!(item.rttS >= 0))
  }

  private noteEnd(late: boolean): void {
    this.lateShare += LATE_NEWEST * ((late ? 1 : 0) - this.lateShare)
  }

  private drawDevice(): void {
    const { device, random, settings, links, info, uplink } = this
    const { traces } = settings
    device.begin()
    info.trace = random.below(traces.length)
    info.offsetS = traces[info.trace]!.durationS * random.uniform()
    device.link = links[info.trace]!
    device.linkOffsetS = info.offsetS
    device.rateScale = this.drawn(settings.rateScale)
    device.speed = this.drawn(settings.deviceSpeed)
    const bits = 8 * PROBE_BYTES
    const probeS = device.link.finishS(info.offsetS, bits / device.rateScale) - info.offsetS
    uplink.measuredS = 0
    uplink.begin(0, bits, probeS)
  }

  private drawServers(): void {
    const { servers, known, random, speeds, settings, nextReportS } = this
    // Frames that come by chance may take longer than in the mean.
    const frames =
      settings.frames + 1 + (settings.arrivals === 'poisson' ? 8 * Math.sqrt(settings.frames) : 0)
    const untilS = frames * this.frameS + this.deadlineS
    for (let at = 0; at < servers.length; at++) {
      const server = servers[at]!
      server.speed = speeds[at] = this.drawn(server.settings.speed)
      server.rttS = this.drawn(server.settings.rttS)
      server.begin(random, untilS)
      known[at]!.begin(server.rttS + settings.jitterS)
      nextReportS[at] = settings.reportS * random.uniform()
    }
  }

  private drawJitter(): number {
    return this.random.exponential(this.settings.jitterS)
  }

  private drawn(value: Drawn): number {
    return typeof value === 'number' ? value : this.random.between(value[0], value[1])
  }
}
