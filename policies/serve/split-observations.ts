import { SPLIT_OBSERVATION, type SplitObservation } from '../env/index.ts'
import type { ModeEstimate, Observation } from '../plan.ts'

/** Weight of the newest time between frames in its mean. */
const NEWEST = 0.1
/** Frames that a device has ahead of it, as the environment counts them: many. */
const ENDLESS = 1_000_000

/** Scales of the environment `split`, which its policies were trained with. */
const SCALES = { delayScale: 5, energyScale: 30, errorScale: 4 } as const

/**
 * Makes what a policy of `split` looks at of what a device knows. A device knows its one server by the times of its answers, so
 * that server's wait is part of each mode's `serverMs` and reported as none. A device without energy estimates has modes that cost
 * none. Without a link no mode may send.
 */
export function splitObservations(): (observation: Observation) => SplitObservation {
  let lastMs = Number.NaN
  let frameMs = Number.NaN
  let frame = 0
  return (observation) => {
    const { nowMs, deadlineMs, link, modes } = observation
    if (!Number.isNaN(lastMs) && nowMs > lastMs) {
      const passedMs = nowMs - lastMs
      frameMs = Number.isNaN(frameMs) ? passedMs : frameMs + NEWEST * (passedMs - frameMs)
    }
    lastMs = nowMs
    const rttMs = link?.rttMs ?? 0
    const deviationMs = Math.max(0, ...modes.map(spreadOf))
    return {
      ...observation,
      version: SPLIT_OBSERVATION,
      creditsLeft: observation.online && link ? observation.creditsLeft : 0,
      link: { spreadMs: 0, queueMs: 0, rateSpread: 0, ...(link ?? { rateBps: 1e6, rttMs }) },
      modes: modes.map((mode) => ({
        energyJ: 0,
        ...mode,
        medianMs: mode.medianMs ?? mode.deviceMs + mode.serverMs,
        server: mode.route === 'local' ? -1 : 0,
      })),
      frame: frame++,
      frames: ENDLESS,
      frameMs: Number.isNaN(frameMs) ? deadlineMs : frameMs,
      processorMs: 0,
      linkAgeMs: 0,
      servers: [{ waitMs: 0, ageMs: 0, meanWaitMs: 0, deviationMs, rttMs }],
      lateShare: 0,
      ...SCALES,
    }
  }
}

/** How far a mode's stages vary, ms. */
const spreadOf = ({ deviceMs, serverMs, medianMs, route }: ModeEstimate): number =>
  route === 'local' || medianMs === undefined ? 0 : deviceMs + serverMs - medianMs
