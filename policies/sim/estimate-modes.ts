import type { LinkEstimate, ModeEstimate } from '../plan.ts'
import { type Candidate, ENVELOPE_BYTES } from './candidates.ts'
import { type ServerKnowledge, UPPER_DEVIATIONS } from './link-knowledge.ts'
import type { DevicePower } from './power.ts'

export type WritableEstimate = { -readonly [K in keyof ModeEstimate]-?: ModeEstimate[K] }

/** Estimates with what never changes filled in, one for each candidate. */
export function emptyEstimates(candidates: readonly Candidate[]): WritableEstimate[] {
  return candidates.map(({ mode, server }) => ({
    mode: mode.mode,
    route: mode.route,
    accuracy: mode.accuracy,
    payloadBytes: server < 0 ? 0 : mode.payloadBytes + ENVELOPE_BYTES,
    deviceMs: 0,
    serverMs: 0,
    medianMs: 0,
    energyJ: 0,
    server,
  }))
}

/**
 * What each candidate costs by what the device knows, written to `out`. What a server's round trip is longer than `link.rttMs` counts
 * with the server.
 *
 * @param deviceSpeed multiples of the mode table's speed
 * @param processorS how long the device's processor is still busy
 * @param speeds multiples of the mode table's speed, by server
 */
export function estimateModes(
  candidates: readonly Candidate[],
  power: DevicePower,
  deviceSpeed: number,
  processorS: number,
  link: LinkEstimate,
  servers: readonly ServerKnowledge[],
  speeds: Float64Array,
  out: readonly WritableEstimate[],
): void {
  const rttS = link.rttMs / 1000
  for (let at = 0; at < candidates.length; at++) {
    const { mode, server: place } = candidates[at]!
    const estimate = out[at]!
    const headS = mode.headMs / 1000 / deviceSpeed
    estimate.deviceMs = headS > 0 ? 1000 * (processorS + headS) : 0
    estimate.medianMs = estimate.deviceMs
    estimate.energyJ = power.computeW * headS
    if (place < 0) continue
    const server = servers[place]!
    const serverS = mode.tailMs / 1000 / speeds[place]! + server.waitS
    const medianMs = 1000 * (serverS + server.rttS - rttS)
    estimate.serverMs = medianMs + 1000 * UPPER_DEVIATIONS * server.deviationS
    estimate.medianMs += medianMs
    estimate.energyJ +=
      (power.sendW * 8 * estimate.payloadBytes) / link.rateBps + power.listenW * (serverS + server.rttS)
  }
}
