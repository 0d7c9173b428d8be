import type { LinkEstimate, ModeEstimate, Observation } from '../../plan.ts'
import type { Candidate } from '../candidates.ts'
import { emptyEstimates, estimateModes, type WritableEstimate } from '../estimate-modes.ts'
import { LinkKnowledge, ServerKnowledge, UPPER_DEVIATIONS } from '../link-knowledge.ts'
import type { FleetSettings, GroupSettings } from './fleet-options.ts'

/** What a device of a fleet knows; `server` of each entry of `modes` is −1 for local. */
export interface FleetObservation extends Observation {
  readonly link: LinkEstimate
  readonly modes: readonly Required<ModeEstimate>[]
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Message by which a device measures its link when it is first asked what it knows. */
export const PROBE_BITS = 8 * 4096

/** A transfer whose end the device has not seen yet; `sent`: all of it will have left by then. */
interface Pending {
  endS: number
  bits: number
  seconds: number
  sent: boolean
}

/** What the devices know of their links, and all of them of the servers. Nothing is kept of devices that are never asked. */
export class FleetKnowledge {
  readonly observation: FleetObservation
  private readonly groups: readonly GroupSettings[]
  private readonly candidates: readonly Candidate[]
  private readonly speeds: Float64Array
  private readonly modes: WritableEstimate[]
  private readonly link: Writable<Required<LinkEstimate>>
  private readonly view: Writable<Omit<FleetObservation, 'link' | 'modes'>>
  private readonly links: (LinkKnowledge | undefined)[]
  private readonly pending: (Pending | undefined)[]
  /** When the device expects its radio to be free. */
  private readonly freeS: Float64Array
  private readonly servers: readonly ServerKnowledge[]
  private readonly rttS: readonly number[]
  /** The newest report of each server, not yet with the devices. */
  private readonly reportS: Float64Array
  private readonly reportWaitS: Float64Array

  constructor(settings: FleetSettings, candidates: readonly Candidate[], speeds: Float64Array) {
    const { groups, servers, devices } = settings
    this.groups = groups
    this.candidates = candidates
    this.speeds = speeds
    this.modes = emptyEstimates(candidates)
    const rttMs = 1000 * Math.min(...servers.map(({ rttS }) => rttS))
    this.link = { rateBps: 1, rttMs, spreadMs: 0, queueMs: 0, rateSpread: 0 }
    this.links = new Array(devices)
    this.pending = new Array(devices)
    this.freeS = new Float64Array(devices)
    this.rttS = servers.map(({ rttS }) => rttS)
    this.servers = servers.map(() => new ServerKnowledge())
    for (const [at, server] of this.servers.entries()) server.begin(this.rttS[at]!)
    this.reportS = new Float64Array(servers.length).fill(Number.NaN)
    this.reportWaitS = new Float64Array(servers.length)
    const view = {
      nowMs: 0,
      deadlineMs: 0,
      online: true,
      creditsLeft: Number.MAX_SAFE_INTEGER,
      link: this.link,
      modes: this.modes,
    }
    this.view = view
    this.observation = view
  }

  knows(device: number): boolean {
    return this.links[device] !== undefined
  }

  /** The probe of a device took `seconds`. */
  probed(device: number, nowS: number, seconds: number): void {
    const link = new LinkKnowledge()
    link.begin(nowS, PROBE_BITS, seconds)
    this.links[device] = link
  }

  /** A message was begun at `startS`; at `endS` it had left, or was given up. */
  sent(device: number, startS: number, endS: number, bits: number, sent: boolean): void {
    const link = this.links[device]
    if (!link) return
    this.freeS[device] = Math.max(this.freeS[device]!, startS) + bits / link.rateBps
    const pending = this.pending[device]
    if (!pending) this.pending[device] = { endS, bits, seconds: endS - startS, sent }
    else if (pending.endS <= startS) {
      learn(link, pending)
      pending.endS = endS
      pending.bits = bits
      pending.seconds = endS - startS
      pending.sent = sent
    }
  }

  /** A server measured a wait at `measuredS`; half a round trip later the devices know. */
  report(server: number, measuredS: number, waitS: number): void {
    this.deliver(server, measuredS)
    this.reportS[server] = measuredS
    this.reportWaitS[server] = waitS
  }

  /** Brings the observation up to what `device` knows at `nowS`. */
  update(
    device: number,
    nowS: number,
    deadlineS: number,
    processorS: number,
    radioBusy: boolean,
    speed: number,
    group: number,
  ): void {
    const { view, link, servers, candidates, speeds, modes } = this
    const known = this.links[device]!
    const pending = this.pending[device]
    if (pending && pending.endS <= nowS) {
      learn(known, pending)
      this.pending[device] = undefined
    }
    for (let server = 0; server < servers.length; server++) this.deliver(server, nowS)
    view.nowMs = 1000 * nowS
    view.deadlineMs = 1000 * deadlineS
    link.rateBps = known.rateBps
    link.rateSpread = Math.min(1, UPPER_DEVIATIONS * known.deviation)
    link.queueMs = radioBusy ? 1000 * Math.max(0, this.freeS[device]! - nowS) : 0
    const { power } = this.groups[group]!
    estimateModes(candidates, power, speed, processorS, link, servers, speeds, modes)
  }

  private deliver(server: number, nowS: number): void {
    const measuredS = this.reportS[server]!
    if (!(measuredS + this.rttS[server]! / 2 <= nowS)) return
    this.servers[server]!.report(measuredS, this.reportWaitS[server]!)
    this.reportS[server] = Number.NaN
  }
}

function learn(link: LinkKnowledge, { endS, bits, seconds, sent }: Pending): void {
  if (sent) link.measure(endS, bits, seconds)
  else link.measureBound(endS, bits, seconds)
}
