import type { LinkEstimate, ModeEstimate, Observation } from '../../plan.ts'
import type { Candidate } from '../../sim/candidates.ts'
import { emptyEstimates, estimateModes, type WritableEstimate } from '../../sim/estimate-modes.ts'
import { type LinkKnowledge, type ServerKnowledge, UPPER_DEVIATIONS } from '../../sim/link-knowledge.ts'
import type { DevicePower } from '../../sim/power.ts'
import type { SplitSettings } from './split-options.ts'

/** Version of {@link SplitObservation}. */
export const SPLIT_OBSERVATION = 'split/1'

/** What the device knows of one server. */
export interface ServerReport {
  /** Wait in the newest report, how old that is, and the mean of those of late, ms. */
  readonly waitMs: number
  readonly ageMs: number
  readonly meanWaitMs: number
  /** How far reports are from the one before, in the mean, ms. */
  readonly deviationMs: number
  readonly rttMs: number
}

/**
 * What a device knows when a frame comes: measurements of the past, never the rate or the queue that the frame will meet. Entry a of
 * `modes` is what action a would cost by that; `serverMs` holds what a server's round trip is longer than `link.rttMs`. The
 * same objects at every step.
 */
export interface SplitObservation extends Observation {
  readonly version: string
  readonly link: LinkEstimate
  readonly modes: readonly Required<ModeEstimate>[]
  /** Frames that have come before, and frames of an episode. */
  readonly frame: number
  readonly frames: number
  /** Mean time between frames, ms. */
  readonly frameMs: number
  /** How long the device's processor is still busy with earlier frames, ms. */
  readonly processorMs: number
  /** Age of the newest measurement of the link, ms. */
  readonly linkAgeMs: number
  readonly servers: readonly ServerReport[]
  /** Share of late frames among those whose end is known, newer ones counting more. */
  readonly lateShare: number
  /** What the rewards multiply seconds, joules and errors with. */
  readonly delayScale: number
  readonly energyScale: number
  readonly errorScale: number
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Keeps one observation up to date. */
export class SplitObserver {
  readonly observation: SplitObservation
  private readonly view: Writable<Omit<SplitObservation, 'link' | 'modes' | 'servers'>>
  private readonly link: Writable<Required<LinkEstimate>>
  private readonly modes: WritableEstimate[]
  private readonly reports: Writable<ServerReport>[]
  private readonly candidates: readonly Candidate[]
  private readonly power: DevicePower

  constructor(settings: SplitSettings, candidates: readonly Candidate[]) {
    const { servers, frames, delayScale, energyScale, errorScale, power } = settings
    this.candidates = candidates
    this.power = power
    this.link = { rateBps: 1, rttMs: 0, spreadMs: 0, queueMs: 0, rateSpread: 0 }
    this.modes = emptyEstimates(candidates)
    this.reports = servers.map(() => ({ waitMs: 0, ageMs: 0, meanWaitMs: 0, deviationMs: 0, rttMs: 0 }))
    const view = {
      version: SPLIT_OBSERVATION,
      nowMs: 0,
      deadlineMs: 0,
      online: true,
      creditsLeft: 0,
      frame: 0,
      frames,
      frameMs: 0,
      processorMs: 0,
      linkAgeMs: 0,
      lateShare: 0,
      delayScale,
      energyScale,
      errorScale,
      link: this.link,
      modes: this.modes,
      servers: this.reports,
    }
    this.view = view
    this.observation = view
  }

  beginEpisode(deadlineS: number, frameS: number): void {
    this.view.deadlineMs = 1000 * deadlineS
    this.view.frameMs = 1000 * frameS
  }

  /** @param deviceSpeed multiples of the mode table's speed; @param radioS expected wait for the radio */
  observe(
    frame: number,
    nowS: number,
    creditsLeft: number,
    lateShare: number,
    processorS: number,
    deviceSpeed: number,
    radioS: number,
    uplink: LinkKnowledge,
    servers: readonly ServerKnowledge[],
    speeds: Float64Array,
  ): void {
    const { view, link, reports } = this
    view.frame = frame
    view.nowMs = 1000 * nowS
    view.creditsLeft = creditsLeft
    view.lateShare = lateShare
    view.processorMs = 1000 * processorS
    view.linkAgeMs = 1000 * (nowS - uplink.measuredS)
    let rttS = Infinity
    let rttDeviationS = 0
    for (let at = 0; at < servers.length; at++) {
      const server = servers[at]!
      const report = reports[at]!
      report.waitMs = 1000 * server.waitS
      report.ageMs = 1000 * (nowS - server.measuredS)
      report.meanWaitMs = 1000 * server.meanWaitS
      report.deviationMs = 1000 * server.deviationS
      report.rttMs = 1000 * server.rttS
      if (server.rttS < rttS) rttS = server.rttS
      if (server.rttDeviationS > rttDeviationS) rttDeviationS = server.rttDeviationS
    }
    link.rateBps = uplink.rateBps
    link.rttMs = 1000 * rttS
    link.spreadMs = 1000 * UPPER_DEVIATIONS * rttDeviationS
    link.queueMs = 1000 * radioS
    link.rateSpread = Math.min(1, UPPER_DEVIATIONS * uplink.deviation)
    estimateModes(this.candidates, this.power, deviceSpeed, processorS, link, servers, speeds, this.modes)
  }
}
