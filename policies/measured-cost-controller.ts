import { IsthmusError } from '@isthmus/proto'
import { type ArrivalTime, arrivalTime, linkMs, probabilityInTime } from './arrival.ts'
import type { ModeEstimate, Observation, Plan, Policy } from './plan.ts'

export interface MeasuredCostOptions {
  /** Where a local answer would be in time, a remote mode must be so with this probability to be taken up, */
  readonly enterProbability?: number
  /** and with this one to be kept. */
  readonly stayProbability?: number
  /** Without a local answer, what is less likely to be in time is taken only when nothing likelier is there. */
  readonly leastProbability?: number
  /** Expected accuracies this close count as equal; the cheaper mode is taken. */
  readonly accuracyTolerance?: number
  /** A mode that was left is not taken up again for this long; doubles with each quick return. */
  readonly holdOffMs?: number
  readonly maxHoldOffMs?: number
  /** At most every so many frames, one goes to a mode that has not been used for long. 0: never. */
  readonly probeEvery?: number
  /** A mode not used for this long is due for a probe. */
  readonly staleMs?: number
}

/** What became of a mode so far. */
interface ModeHistory {
  usedMs: number
  enteredMs: number
  barredUntilMs: number
  holdOffMs: number
}

/** A mode as it stands for one frame. */
interface Prospect {
  readonly mode: ModeEstimate
  readonly arrival: ArrivalTime
  readonly inTime: number
  /** Expected accuracy of the answer that is there by the deadline. */
  readonly accuracy: number
}

/**
 * Takes the mode with the best expected accuracy at the deadline: its own accuracy as probably as it is in time, from
 * measured stage times and the measured link, else that of the local answer that steps in (0 without one). The
 * published controller that this replaces leaves out the decoder, the round trip and the real head time, and misses
 * up to 80 % of its deadlines (Slimmable Ensemble Encoders, arXiv 2306.12691, runtime controller).
 *
 * Where a local answer is there in time, a remote mode must be likely to be so too: trying costs delay and energy even
 * when it costs no accuracy. Offline, without a link estimate or without credits the answer is local. Staying needs
 * less than entering, and a mode that was left is barred for a while, so a stationary link does not make it swing.
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
      enterProbability: options.enterProbability ?? 0.95,
      stayProbability: options.stayProbability ?? 0.8,
      leastProbability: options.leastProbability ?? 0.7,
      accuracyTolerance: options.accuracyTolerance ?? 0.002,
      holdOffMs: options.holdOffMs ?? 2000,
      maxHoldOffMs: options.maxHoldOffMs ?? 60_000,
      probeEvery: options.probeEvery ?? 25,
      staleMs: options.staleMs ?? 5000,
    }
  }

  decide(observation: Observation): Plan {
    const { modes, nowMs } = observation
    if (modes.length === 0) {
      throw new IsthmusError('NO_MODES', 'The observation lists no modes; a bundle has at least one.')
    }
    const usable = modes.filter((mode) => isUsable(mode, observation))
    const prospects = prospectsOf(usable.length > 0 ? usable : modes, observation)
    const probe = this.#dueProbe(prospects, observation)
    if (probe) {
      this.#sinceProbe = 0
      this.#record(probe.mode.mode, nowMs)
      return planFor(probe, `probe: mode ${probe.mode.mode} has not been measured lately`)
    }
    this.#sinceProbe++

    const eligible = this.#eligible(prospects, observation)
    if (eligible.length === 0)
      return this.#take(quickest(prospects), nowMs, 'nothing is likely to be in time: quickest way taken')
    const why = usable.length < modes.length ? unusableReason(observation) : 'best expected accuracy in time'
    return this.#take(this.#best(eligible, observation), nowMs, why)
  }

  #eligible(prospects: readonly Prospect[], { nowMs }: Observation): Prospect[] {
    const { enterProbability, stayProbability, leastProbability } = this.#options
    const hasFallback = prospects.some(isSafeLocal)
    const eligible = prospects.filter((prospect) => {
      const stays = prospect.mode.mode === this.#current
      const needed = stays ? stayProbability : enterProbability
      return isSafeLocal(prospect) || prospect.inTime >= (hasFallback ? needed : leastProbability)
    })
    const free = eligible.filter(
      ({ mode }) => mode.mode === this.#current || !this.#isBarred(mode.mode, nowMs),
    )
    return free.length > 0 ? free : eligible
  }

  #isBarred(mode: number, nowMs: number): boolean {
    return nowMs < (this.#history.get(mode)?.barredUntilMs ?? Number.NEGATIVE_INFINITY)
  }

  #best(eligible: readonly Prospect[], observation: Observation): Prospect {
    const best = Math.max(...eligible.map(({ accuracy }) => accuracy))
    const equals = eligible.filter(({ accuracy }) => accuracy >= best - this.#options.accuracyTolerance)
    const current = equals.find(({ mode }) => mode.mode === this.#current)
    const cheapest = equals.reduce((a, b) => (cost(b, observation) < cost(a, observation) ? b : a))
    // A tenth cheaper is not worth a switch.
    return current && cost(current, observation) <= 1.1 * cost(cheapest, observation) ? current : cheapest
  }

  #dueProbe(prospects: readonly Prospect[], { nowMs, deadlineMs, link }: Observation): Prospect | undefined {
    const { probeEvery, staleMs } = this.#options
    if (probeEvery === 0 || this.#current === undefined || this.#sinceProbe < probeEvery) return undefined
    const lastUse = ({ mode }: Prospect) => this.#history.get(mode.mode)?.usedMs ?? Number.NEGATIVE_INFINITY
    let due: Prospect | undefined
    for (const prospect of prospects) {
      if (prospect.mode.mode === this.#current || nowMs - lastUse(prospect) < staleMs) continue
      if (linkMs(prospect.mode, link) > deadlineMs) continue
      if (!due || lastUse(prospect) < lastUse(due)) due = prospect
    }
    return due
  }

  #take(prospect: Prospect, nowMs: number, reason: string): Plan {
    const { mode } = prospect.mode
    const past = this.#record(mode, nowMs)
    if (this.#current !== mode) {
      if (this.#current !== undefined) this.#leave(this.#current, nowMs)
      past.enteredMs = nowMs
      this.#current = mode
    }
    return planFor(prospect, reason)
  }

  #leave(mode: number, nowMs: number): void {
    const { holdOffMs, maxHoldOffMs } = this.#options
    const past = this.#record(mode, nowMs)
    const quick = nowMs - past.enteredMs < 10 * holdOffMs
    past.holdOffMs = quick ? Math.min(2 * past.holdOffMs, maxHoldOffMs) : holdOffMs
    past.barredUntilMs = nowMs + past.holdOffMs
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

function prospectsOf(modes: readonly ModeEstimate[], { link, deadlineMs }: Observation): Prospect[] {
  const arrivals = modes.map((mode) => {
    const arrival = arrivalTime(mode, link)
    return { mode, arrival, inTime: probabilityInTime(arrival, deadlineMs) }
  })
  const locals = arrivals.filter(({ mode, inTime }) => mode.route === 'local' && inTime >= SAFE)
  const fallback = Math.max(0, ...locals.map(({ mode }) => mode.accuracy))
  return arrivals.map((arrival) => {
    const { mode, inTime } = arrival
    return { ...arrival, accuracy: inTime * mode.accuracy + (1 - inTime) * fallback }
  })
}

/** A local answer as likely in time as this can step in for a remote one. */
const SAFE = 0.5

function isSafeLocal({ mode, inTime }: Prospect): boolean {
  return mode.route === 'local' && inTime >= SAFE
}

/**
 * What a mode costs under the user's weights: delay counts the whole time, energy the time in which the device
 * computes or sends (a stand-in until a power meter is there).
 */
function cost({ mode, arrival }: Prospect, { preference, link }: Observation): number {
  const delay = preference?.delay ?? 1
  const energy = preference?.energy ?? 0
  const sendMs = isRemote(mode) && link ? (8000 * mode.payloadBytes) / link.rateBps : 0
  return delay * arrival.medianMs + energy * (mode.deviceMs + sendMs)
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

function quickest(prospects: readonly Prospect[]): Prospect {
  return prospects.reduce((a, b) => (b.arrival.medianMs < a.arrival.medianMs ? b : a))
}

function planFor({ mode, arrival }: Prospect, reason: string): Plan {
  return { route: mode.route, mode: mode.mode, expectedMs: arrival.medianMs, reason }
}
