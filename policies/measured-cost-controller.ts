import { IsthmusError } from '@isthmus/proto'
import { transferMs } from './link-estimator.ts'
import type { ModeEstimate, Observation, Plan, Policy } from './plan.ts'

export interface MeasuredCostOptions {
  /** Part of the deadline kept free before a mode is taken up. */
  readonly enterMargin?: number
  /** Part of the deadline kept free for the mode in use to stay. */
  readonly stayMargin?: number
  /** Accuracies this close count as equal; the cheaper mode is taken. */
  readonly accuracyTolerance?: number
  /** After a mode had to be left it is not taken up again for this long; doubles with each quick return. */
  readonly holdOffMs?: number
  readonly maxHoldOffMs?: number
  /** At most every so many frames, one goes to a mode that has not been used for long. 0: never. */
  readonly probeEvery?: number
  /** A mode not used for this long is due for a probe. */
  readonly staleMs?: number
}

interface ModeHistory {
  usedMs: number
  enteredMs: number
  barredUntilMs: number
  holdOffMs: number
}

/**
 * Takes the mode with the best expected accuracy whose expected time, from measured stage times and the measured
 * link, meets the deadline with a margin. The published controller that this replaces leaves out the decoder,
 * the round trip and the real head time, and misses up to 80 % of its deadlines (papers: Slimmable Ensemble
 * Encoders, arXiv 2306.12691, runtime controller).
 *
 * Offline, without a link estimate or without credits the answer is local. Entering needs a wider margin than
 * staying, and a mode that had to be left is barred for a while, so a stationary link does not make it swing.
 * Now and then a frame goes to a mode that has been idle, if the link can carry it, to keep its times fresh.
 */
export function measuredCostController(options: MeasuredCostOptions = {}): Policy {
  return new MeasuredCostController(options)
}

class MeasuredCostController implements Policy {
  readonly #options: Required<MeasuredCostOptions>
  readonly #history = new Map<number, ModeHistory>()
  #current: number | undefined
  #sinceProbe = 0

  constructor(options: MeasuredCostOptions) {
    this.#options = {
      enterMargin: options.enterMargin ?? 0.15,
      stayMargin: options.stayMargin ?? 0.05,
      accuracyTolerance: options.accuracyTolerance ?? 0.002,
      holdOffMs: options.holdOffMs ?? 2000,
      maxHoldOffMs: options.maxHoldOffMs ?? 60_000,
      probeEvery: options.probeEvery ?? 25,
      staleMs: options.staleMs ?? 5000,
    }
  }

  decide(observation: Observation): Plan {
    const { modes, nowMs } = observation
    if (modes.length === 0)
      throw new IsthmusError('NO_MODES', 'The observation lists no modes; a bundle has at least one.')
    const usable = modes.filter((mode) => isUsable(mode, observation))
    // With nothing local either, the least bad is to try the fastest way there is.
    if (usable.length === 0)
      return this.#take(fastest(modes, observation), observation, unusableReason(observation))

    const probe = this.#dueProbe(usable, observation)
    if (probe) {
      this.#sinceProbe = 0
      this.#record(probe.mode, nowMs)
      return planFor(probe, observation, `probe: mode ${probe.mode} has not been measured lately`)
    }
    this.#sinceProbe++

    this.#leaveIfTooSlow(usable, observation)
    const feasible = usable.filter((mode) => this.#meets(mode, observation))
    if (feasible.length === 0) {
      return this.#take(
        fastest(usable, observation),
        observation,
        'nothing meets the deadline: fastest way taken',
      )
    }
    const best = this.#best(feasible, observation)
    const why = usable.length < modes.length ? unusableReason(observation) : 'best expected accuracy in time'
    return this.#take(best, observation, why)
  }

  #meets(mode: ModeEstimate, observation: Observation): boolean {
    const stays = mode.mode === this.#current
    if (!stays && observation.nowMs < (this.#history.get(mode.mode)?.barredUntilMs ?? 0)) return false
    const margin = stays ? this.#options.stayMargin : this.#options.enterMargin
    return expectedMs(mode, observation) <= observation.deadlineMs * (1 - margin)
  }

  #best(feasible: readonly ModeEstimate[], observation: Observation): ModeEstimate {
    const accuracy = Math.max(...feasible.map((mode) => mode.accuracy))
    const equals = feasible.filter((mode) => mode.accuracy >= accuracy - this.#options.accuracyTolerance)
    const current = equals.find(({ mode }) => mode === this.#current)
    const cheapest = equals.reduce((a, b) => (cost(b, observation) < cost(a, observation) ? b : a))
    // A tenth cheaper is not worth a switch.
    return current && cost(current, observation) <= 1.1 * cost(cheapest, observation) ? current : cheapest
  }

  #leaveIfTooSlow(usable: readonly ModeEstimate[], observation: Observation): void {
    const current = usable.find(({ mode }) => mode === this.#current)
    if (!current || this.#meets(current, observation)) return
    const { nowMs } = observation
    const past = this.#history.get(current.mode)
    if (!past) return
    const { holdOffMs, maxHoldOffMs } = this.#options
    const quick = nowMs - past.enteredMs < 10 * holdOffMs
    past.holdOffMs = quick ? Math.min(2 * past.holdOffMs, maxHoldOffMs) : holdOffMs
    past.barredUntilMs = nowMs + past.holdOffMs
    this.#current = undefined
  }

  #dueProbe(usable: readonly ModeEstimate[], observation: Observation): ModeEstimate | undefined {
    const { probeEvery, staleMs } = this.#options
    if (probeEvery === 0 || this.#current === undefined || this.#sinceProbe < probeEvery) return undefined
    const lastUse = ({ mode }: ModeEstimate) => this.#history.get(mode)?.usedMs ?? Number.NEGATIVE_INFINITY
    let due: ModeEstimate | undefined
    for (const mode of usable) {
      if (mode.mode === this.#current || observation.nowMs - lastUse(mode) < staleMs) continue
      if (linkMs(mode, observation) > observation.deadlineMs) continue
      if (!due || lastUse(mode) < lastUse(due)) due = mode
    }
    return due
  }

  #take(mode: ModeEstimate, observation: Observation, reason: string): Plan {
    const past = this.#record(mode.mode, observation.nowMs)
    if (this.#current !== mode.mode) past.enteredMs = observation.nowMs
    this.#current = mode.mode
    return planFor(mode, observation, reason)
  }

  #record(mode: number, nowMs: number): ModeHistory {
    let past = this.#history.get(mode)
    if (!past) {
      past = { usedMs: nowMs, enteredMs: nowMs, barredUntilMs: 0, holdOffMs: this.#options.holdOffMs / 2 }
      this.#history.set(mode, past)
    }
    past.usedMs = nowMs
    return past
  }
}

/** Expected time from frame to answer in ms; infinite for a remote mode without a link estimate. */
export function expectedMs(mode: ModeEstimate, observation: Observation): number {
  return mode.deviceMs + linkMs(mode, observation) + mode.serverMs
}

function linkMs(mode: ModeEstimate, { link }: Observation): number {
  if (!isRemote(mode)) return 0
  return link ? transferMs(link, mode.payloadBytes) + (link.spreadMs ?? 0) : Number.POSITIVE_INFINITY
}

/**
 * What a mode costs under the user's weights: delay counts the whole time, energy the time in which the device
 * computes or sends (a stand-in until a power meter is there).
 */
function cost(mode: ModeEstimate, observation: Observation): number {
  const delay = observation.preference?.delay ?? 1
  const energy = observation.preference?.energy ?? 0
  const sendMs =
    isRemote(mode) && observation.link ? (8000 * mode.payloadBytes) / observation.link.rateBps : 0
  return delay * expectedMs(mode, observation) + energy * (mode.deviceMs + sendMs)
}

function isRemote({ route }: ModeEstimate): boolean {
  return route === 'split' || route === 'edge'
}

function isUsable(mode: ModeEstimate, { online, link, creditsLeft }: Observation): boolean {
  return !isRemote(mode) || (online && link !== undefined && creditsLeft > 0)
}

function unusableReason({ online, link, creditsLeft }: Observation): string {
  if (!online) return 'no server to send to'
  if (!link) return 'link not measured yet'
  return creditsLeft > 0 ? 'no local mode' : 'no credits left'
}

function fastest(modes: readonly ModeEstimate[], observation: Observation): ModeEstimate {
  return modes.reduce((a, b) => (expectedMs(b, observation) < expectedMs(a, observation) ? b : a))
}

function planFor(mode: ModeEstimate, observation: Observation, reason: string): Plan {
  return { route: mode.route, mode: mode.mode, expectedMs: expectedMs(mode, observation), reason }
}
