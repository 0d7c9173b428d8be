import { linkMs } from './arrival.ts'
import { policyError } from './errors.ts'
import { ModeHistory } from './mode-history.ts'
import type { ModeEstimate, Observation, Plan, Policy } from './plan.ts'
import {
  costOf,
  isRemote,
  isSafeLocal,
  isUsable,
  likeliest,
  type Prospect,
  planFor,
  prospectsOf,
} from './prospect.ts'

export interface MeasuredCostOptions {
  /** Where a local answer would be in time, a remote mode must be so with this probability to be taken up, */
  readonly enterProbability?: number
  /** and with this one to be kept. */
  readonly stayProbability?: number
  /** Where no local answer can step in, a late answer costs this much, in accuracy. */
  readonly latePenalty?: number
  /** A mode is taken up only if it is in time with this share of the deadline to spare. */
  readonly margin?: number
  /** Expected accuracies this close count as equal; the cheaper mode is taken. */
  readonly accuracyTolerance?: number
  /** A mode that was left is not taken up again for this long; four times as long after each quick return, */
  readonly holdOffMs?: number
  /** up to this. */
  readonly maxHoldOffMs?: number
  /** At most every so many frames, one goes to a remote mode that has not been used for long. 0: never. */
  readonly probeEvery?: number
  /** At most this share of the frames that are sent is computed locally, too, to measure that. 0: never. */
  readonly localProbeShare?: number
  /** A mode not used for this long is due for a probe, and so is one not used since something drifted. */
  readonly staleMs?: number
}

const defaults: Required<MeasuredCostOptions> = {
  enterProbability: 0.95,
  stayProbability: 0.8,
  latePenalty: 0.2,
  margin: 0.05,
  accuracyTolerance: 0.001,
  holdOffMs: 500,
  maxHoldOffMs: 60_000,
  probeEvery: 25,
  localProbeShare: 0.1,
  staleMs: 20_000,
}

/** A bar saves switches; it is not kept where it costs more accuracy than this. */
const BAR_WORTH = 0.08
/** Without a local answer: what is less likely in time than this is taken only when nothing else is there. */
const HOPELESS = 0.5
/** Without a local answer: a probe may cost this share of what can be expected of the current mode. */
const PROBE_COST = 0.05

/**
 * Takes the mode with the best expected accuracy at the deadline: its own accuracy as probably as it is in time, from
 * measured stage times and the measured link, else that of the local answer that steps in. The published controller that
 * this replaces leaves out the decoder and the real head time, and misses up to 80 % of its deadlines (Slimmable
 * Ensemble Encoders, arXiv 2306.12691, runtime controller).
 *
 * Where a local answer is there in time, a remote mode must be likely to be so too: trying costs delay and energy even
 * when it costs no accuracy. Offline, without a link estimate or without credits the answer is local. Staying needs
 * less than entering, and a mode that was left is barred for a while, so a stationary link does not make it swing.
 * Now and then a frame goes to a mode that has been idle, or is computed locally as well, to keep the times fresh.
 *
 * `decide` throws NO_MODES. Throws BAD_OPTION for a share or probability outside 0..1 and for negative times.
 */
export function measuredCostController(options: MeasuredCostOptions = {}): Policy {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return new MeasuredCostController({ ...defaults, ...Object.fromEntries(given) })
}

class MeasuredCostController implements Policy {
  readonly #options: Required<MeasuredCostOptions>
  readonly #history: ModeHistory
  #current: number | undefined
  #started = false
  #sinceProbe = 0
  #sinceLocalProbe = Number.POSITIVE_INFINITY
  #drifts = 0
  #driftMs = Number.NEGATIVE_INFINITY

  constructor(options: Required<MeasuredCostOptions>) {
    checkOptions(options)
    this.#options = options
    this.#history = new ModeHistory(options)
  }

  decide(observation: Observation): Plan {
    const { modes, nowMs } = observation
    if (modes.length === 0) {
      throw policyError('NO_MODES', 'The observation lists no modes; a bundle has at least one.')
    }
    this.#noteStart(observation)
    this.#noteDrift(observation)
    const usable = modes.filter((mode) => isUsable(mode, observation))
    const candidates = usable.length > 0 ? usable : modes
    const prospects = prospectsOf(candidates, observation, this.#current, this.#options)
    const probe = this.#dueProbe(prospects, observation)
    if (probe) {
      this.#sinceProbe = 0
      this.#history.use(probe.mode.mode, nowMs)
      return planFor(probe, `probe: mode ${probe.mode.mode} has not been measured lately`)
    }
    this.#sinceProbe++
    const plan = this.#choose(prospects, observation, usable.length < modes.length)
    return this.#isLocalProbeDue(plan, modes, nowMs) ? { ...plan, probeLocal: true } : plan
  }

  #choose(prospects: readonly Prospect[], observation: Observation, someUnusable: boolean): Plan {
    const { nowMs } = observation
    const eligible = this.#eligible(prospects, nowMs)
    if (eligible.length === 0) {
      return this.#take(likeliest(prospects), nowMs, 'nothing is likely to be in time: likeliest way taken')
    }
    const why = someUnusable ? unusableReason(observation) : 'best expected accuracy in time'
    return this.#take(this.#best(eligible, observation), nowMs, why)
  }

  #eligible(prospects: readonly Prospect[], nowMs: number): Prospect[] {
    const { enterProbability, stayProbability } = this.#options
    const hasFallback = prospects.some(isSafeLocal)
    const eligible = prospects.filter((prospect) => {
      if (!hasFallback) return prospect.inTime >= HOPELESS
      const needed = prospect.mode.mode === this.#current ? stayProbability : enterProbability
      return isSafeLocal(prospect) || prospect.inTime >= needed
    })
    const isFree = ({ mode: { mode } }: Prospect) =>
      mode === this.#current || !this.#history.isBarred(mode, nowMs)
    const free = eligible.filter(isFree)
    const most = Math.max(...free.map(({ accuracy }) => accuracy))
    return eligible.filter((prospect) => isFree(prospect) || prospect.accuracy > most + BAR_WORTH)
  }

  #best(eligible: readonly Prospect[], observation: Observation): Prospect {
    const best = Math.max(...eligible.map(({ accuracy }) => accuracy))
    const equals = eligible.filter(({ accuracy }) => accuracy >= best - this.#options.accuracyTolerance)
    const current = equals.find(({ mode }) => mode.mode === this.#current)
    const cheapest = equals.reduce((a, b) => (costOf(b, observation) < costOf(a, observation) ? b : a))
    // A tenth cheaper is not worth a switch.
    return current && costOf(current, observation) <= 1.1 * costOf(cheapest, observation) ? current : cheapest
  }

  /** A device has measured its local network before its first frame. */
  #noteStart({ modes, nowMs }: Observation): void {
    if (this.#started) return
    this.#started = true
    const local = modes.find(({ route }) => route === 'local')
    if (local) this.#history.use(local.mode, nowMs)
  }

  /** After a drift all that is known of idle modes is old, and what was barred may do now. */
  #noteDrift({ drifts = 0, nowMs }: Observation): void {
    if (drifts === this.#drifts) return
    this.#drifts = drifts
    this.#driftMs = nowMs
    this.#history.liftBars(nowMs)
  }

  #isStale(mode: number, nowMs: number): boolean {
    const usedMs = this.#history.lastUseMs(mode)
    return usedMs < this.#driftMs || nowMs - usedMs >= this.#options.staleMs
  }

  #dueProbe(prospects: readonly Prospect[], { nowMs, deadlineMs, link }: Observation): Prospect | undefined {
    const { probeEvery } = this.#options
    const current = prospects.find(({ mode }) => mode.mode === this.#current)
    if (probeEvery === 0 || !current || this.#sinceProbe < probeEvery) return undefined
    const worthwhile = prospects.some(isSafeLocal)
      ? ({ mode }: Prospect) => linkMs(mode, link) <= deadlineMs
      : ({ accuracy }: Prospect) => accuracy >= (1 - PROBE_COST) * current.accuracy
    let due: Prospect | undefined
    for (const prospect of prospects) {
      const { mode } = prospect
      if (prospect === current || !isRemote(mode) || !this.#isStale(mode.mode, nowMs)) continue
      if (!worthwhile(prospect)) continue
      const older = due && this.#history.lastUseMs(mode.mode) >= this.#history.lastUseMs(due.mode.mode)
      if (!older) due = prospect
    }
    return due
  }

  #isLocalProbeDue(plan: Plan, modes: readonly ModeEstimate[], nowMs: number): boolean {
    const { localProbeShare } = this.#options
    const local = modes.find(({ route }) => route === 'local')
    if (!local || plan.route === 'local' || localProbeShare === 0) return false
    this.#sinceLocalProbe++
    if (this.#sinceLocalProbe < 1 / localProbeShare || !this.#isStale(local.mode, nowMs)) return false
    this.#sinceLocalProbe = 0
    this.#history.use(local.mode, nowMs)
    return true
  }

  #take(prospect: Prospect, nowMs: number, reason: string): Plan {
    const { mode } = prospect.mode
    this.#history.use(mode, nowMs)
    if (this.#current !== mode) {
      if (this.#current !== undefined) this.#history.leave(this.#current, nowMs)
      this.#history.enter(mode, nowMs)
      this.#current = mode
    }
    return planFor(prospect, reason)
  }
}

function checkOptions(options: Required<MeasuredCostOptions>): void {
  const shares = ['enterProbability', 'stayProbability', 'margin', 'localProbeShare']
  for (const [name, value] of Object.entries(options) as [string, number][]) {
    const most = shares.includes(name) ? 1 : Number.POSITIVE_INFINITY
    if (value >= 0 && value <= most) continue
    const range = most === 1 ? 'from 0 to 1' : 'of at least 0'
    throw policyError(
      'BAD_OPTION',
      `measuredCostController: ${name} must be a number ${range}, got ${value}.`,
    )
  }
}

function unusableReason({ online, link, creditsLeft }: Observation): string {
  if (!online) return 'no server to send to'
  if (!link) return 'link not measured yet'
  return creditsLeft > 0 ? 'no local mode' : 'no credits left'
}
