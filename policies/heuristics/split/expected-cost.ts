import type { SplitObservation } from '../../env/index.ts'

const LN9 = Math.log(9)
/** No time is believed to vary less than this part of it. */
const LEAST_SPREAD = 0.03

/** What can be expected of a candidate by the device's estimates. */
export interface Expected {
  /** Median time to the answer, ms. */
  medianMs: number
  /** From there to the 0.9 quantile, ms. */
  spreadMs: number
  /** Probability of an answer by the deadline. */
  inTime: number
}

/** Fills in `out` for action `action`: the arithmetic of `arrivalTime` and `probabilityInTime`, without allocating. */
export function expectationOf(observation: SplitObservation, action: number, out: Expected): void {
  const { modes, link, deadlineMs } = observation
  const mode = modes[action]!
  const stagesMs = mode.deviceMs + mode.serverMs - mode.medianMs
  let spread = stagesMs * stagesMs
  out.medianMs = mode.medianMs
  if (mode.route !== 'local') {
    const sendMs = (8000 * mode.payloadBytes) / link.rateBps
    out.medianMs += link.rttMs + sendMs + link.queueMs!
    spread += link.spreadMs! ** 2 + (link.rateSpread! * sendMs) ** 2
  }
  out.spreadMs = Math.max(Math.sqrt(spread), LEAST_SPREAD * out.medianMs)
  out.inTime = out.spreadMs > 0 ? 1 / (1 + Math.exp((-LN9 * (deadlineMs - out.medianMs)) / out.spreadMs)) : 1
}

/** Expected cost of a candidate by the weights: minus the expected weighted reward. A late frame costs its whole time and is an error. */
export function expectedCost(
  observation: SplitObservation,
  action: number,
  weights: ArrayLike<number>,
  out: Expected,
): number {
  expectationOf(observation, action, out)
  const { deadlineMs, delayScale, energyScale, errorScale, modes } = observation
  const { accuracy, energyJ } = modes[action]!
  const late = 1 - out.inTime
  const delayS = (out.inTime * Math.min(out.medianMs, deadlineMs) + late * deadlineMs) / 1000
  return (
    weights[0]! * delayScale * delayS +
    weights[1]! * energyScale * energyJ +
    weights[2]! * errorScale * (out.inTime * (1 - accuracy) + late)
  )
}
