import { type ArrivalTime, arrivalTime, probabilityInTime } from './arrival.ts'
import type { ModeEstimate, Observation, Plan } from './plan.ts'

/** A mode as it stands for one frame. */
export interface Prospect {
  readonly mode: ModeEstimate
  readonly arrival: ArrivalTime
  readonly inTime: number
  /** Expected accuracy of the answer that is there by the deadline. */
  readonly accuracy: number
}

export interface ProspectOptions {
  /** What a late answer costs where no local one steps in, in accuracy. */
  readonly latePenalty: number
  /** A mode that is not the current one has to be in time with this share of the deadline to spare. */
  readonly margin: number
}

/** A local answer as likely in time as this can step in for a remote one. */
const SAFE = 0.5

/**
 * What can be expected of each mode: its accuracy as probably as it is in time, else that of the best local answer
 * that steps in, or the penalty.
 */
export function prospectsOf(
  modes: readonly ModeEstimate[],
  { link, deadlineMs }: Observation,
  current: number | undefined,
  { latePenalty, margin }: ProspectOptions,
): Prospect[] {
  const arrivals = modes.map((mode) => {
    const arrival = arrivalTime(mode, link)
    const strict = isRemote(mode) && mode.mode !== current && current !== undefined
    const inTime = probabilityInTime(arrival, strict ? (1 - margin) * deadlineMs : deadlineMs)
    return { mode, arrival, inTime }
  })
  const locals = arrivals.filter(({ mode, inTime }) => mode.route === 'local' && inTime >= SAFE)
  const otherwise = Math.max(-latePenalty, ...locals.map(({ mode }) => mode.accuracy))
  return arrivals.map((arrival) => {
    const { mode, inTime } = arrival
    return { ...arrival, accuracy: inTime * mode.accuracy + (1 - inTime) * otherwise }
  })
}

export function isSafeLocal({ mode, inTime }: Prospect): boolean {
  return mode.route === 'local' && inTime >= SAFE
}

export function isRemote({ route }: Pick<ModeEstimate, 'route'>): boolean {
  return route === 'split' || route === 'edge'
}

/** Whether the mode can be taken at all: a remote one needs a server, a measured link and a credit. */
export function isUsable(mode: ModeEstimate, { online, link, creditsLeft }: Observation): boolean {
  return !isRemote(mode) || (online && link !== undefined && creditsLeft > 0)
}

/** Of equals (nothing is known, or nothing has a chance) the quickest, then the one that sends least. */
export function likeliest(prospects: readonly Prospect[]): Prospect {
  return prospects.reduce((a, b) => {
    if (b.arrival.medianMs === a.arrival.medianMs) return b.mode.payloadBytes < a.mode.payloadBytes ? b : a
    return b.arrival.medianMs < a.arrival.medianMs ? b : a
  })
}

export function planFor({ mode, arrival }: Pick<Prospect, 'mode' | 'arrival'>, reason: string): Plan {
  return { route: mode.route, mode: mode.mode, expectedMs: arrival.medianMs, reason }
}

/**
 * What a mode costs under the user's weights: delay counts the whole time, energy the time in which the device
 * computes or sends (a stand-in until a power meter is there). Where neither has a weight, delay counts.
 */
export function costOf({ mode, arrival }: Prospect, { preference, link }: Observation): number {
  const energy = preference?.energy ?? 0
  const delay = preference?.delay || (energy > 0 ? 0 : 1)
  const sendMs = isRemote(mode) && link ? (8000 * mode.payloadBytes) / link.rateBps : 0
  return delay * arrival.medianMs + energy * (mode.deviceMs + sendMs)
}
