import { transferMs } from './link-estimator.ts'
import type { LinkEstimate, ModeEstimate } from './plan.ts'

/** How long an answer takes: half of them at most `medianMs`, nine tenths at most `medianMs + spreadMs`. */
export interface ArrivalTime {
  readonly medianMs: number
  readonly spreadMs: number
}

/** A few samples show less variation than there is: no time is believed to vary less than this part of it. */
const LEAST_SPREAD = 0.03

/**
 * The time from frame to answer on a mode. The stages' spread and the link's are taken as independent, so they add
 * as squares. Infinite for a remote mode without a link.
 */
export function arrivalTime(mode: ModeEstimate, link: LinkEstimate | undefined): ArrivalTime {
  const upperMs = mode.deviceMs + mode.serverMs
  const stagesMs = Math.min(upperMs, mode.medianMs ?? upperMs)
  const onLinkMs = linkMs(mode, link)
  const medianMs = stagesMs + onLinkMs
  if (medianMs === Number.POSITIVE_INFINITY) return { medianMs, spreadMs: 0 }
  const spreadMs = Math.hypot(upperMs - stagesMs, ...linkSpreads(mode, link))
  return { medianMs, spreadMs: Math.max(spreadMs, LEAST_SPREAD * medianMs) }
}

/** Network time of a mode in ms, the wait behind earlier messages included; 0 for local, infinite for a remote mode without a link. */
export function linkMs({ route, payloadBytes }: ModeEstimate, link: LinkEstimate | undefined): number {
  if (route !== 'split' && route !== 'edge') return 0
  return link ? transferMs(link, payloadBytes) + (link.queueMs ?? 0) : Number.POSITIVE_INFINITY
}

/** What makes the link's time vary: the round trip, and the rate in proportion to the bytes. Both in ms. */
function linkSpreads({ route, payloadBytes }: ModeEstimate, link: LinkEstimate | undefined): number[] {
  if ((route !== 'split' && route !== 'edge') || !link) return []
  const sendMs = (8000 * payloadBytes) / link.rateBps
  return [link.spreadMs ?? 0, (link.rateSpread ?? 0) * sendMs]
}

/**
 * Probability that an answer is there within `deadlineMs`: a logistic distribution through both quantiles. Its tails
 * are heavier than the normal one's, as those of networks are.
 */
export function probabilityInTime({ medianMs, spreadMs }: ArrivalTime, deadlineMs: number): number {
  if (medianMs === Number.POSITIVE_INFINITY) return 0
  if (spreadMs === 0) return medianMs <= deadlineMs ? 1 : 0
  return 1 / (1 + Math.exp((-Math.log(9) * (deadlineMs - medianMs)) / spreadMs))
}
