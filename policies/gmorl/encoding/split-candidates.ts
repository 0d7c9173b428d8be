import { SPLIT_OBSERVATION, type SplitObservation } from '../../env/index.ts'
import { type Expected, expectationOf, mayTake } from '../../heuristics/split/index.ts'
import type { CandidateEncoding } from './candidate-encoding.ts'
import { contextStart, rowStart, writeRegrets } from './preference.ts'

const OBJECTIVES = 3
const OWN = rowStart(OBJECTIVES)
const ROW = OWN + 18
const SITUATION = contextStart(OBJECTIVES)
const CONTEXT = SITUATION + 11

/** Candidates of an observation at most. */
const MOST = 1024
/** A reward of usual size, for each objective: its scale says what is much of it. */
const UNIT = 0.25
/** What a candidate that may not be taken costs by each objective, in units. */
const FORBIDDEN = 50

/**
 * Modes at servers as candidates for a frame, as a device knows them: expected time, energy and error of each, how sure they
 * are, and what is known of link and server. Times are parts of the deadline.
 */
export const splitCandidates: CandidateEncoding<SplitObservation> = {
  version: 'split-candidates/1',
  observationVersion: SPLIT_OBSERVATION,
  objectives: OBJECTIVES,
  rowLength: ROW,
  contextLength: CONTEXT,
  encode(observation, rows, rowsAt, context, contextAt) {
    const { modes, link, servers, deadlineMs, delayScale, energyScale, errorScale } = observation
    const count = Math.min(MOST, modes.length)
    const part = (ms: number) => Math.log1p(Math.max(0, ms) / deadlineMs)
    for (let candidate = 0; candidate < count; candidate++) {
      const at = rowsAt + candidate * ROW
      const mode = modes[candidate]!
      rows.fill(0, at, at + ROW)
      expectationOf(observation, candidate, expected)
      const late = 1 - expected.inTime
      const delayS = (expected.inTime * Math.min(expected.medianMs, deadlineMs) + late * deadlineMs) / 1000
      const cost = OBJECTIVES * candidate
      costs[cost] = delayScale * delayS
      costs[cost + 1] = energyScale * mode.energyJ
      costs[cost + 2] = errorScale * (expected.inTime * (1 - mode.accuracy) + late)
      if (!mayTake(observation, mode)) {
        for (let objective = 0; objective < OBJECTIVES; objective++)
          costs[cost + objective]! += FORBIDDEN * UNIT
        rows[at + OWN] = 1
      }
      rows[at + OWN + 1] = mode.route === 'local' ? 1 : 0
      rows[at + OWN + 2] = mode.route === 'edge' ? 1 : 0
      rows[at + OWN + 3] = 4 * (1 - mode.accuracy)
      rows[at + OWN + 4] = expected.inTime
      rows[at + OWN + 5] = bounded((deadlineMs - expected.medianMs) / Math.max(1e-3, expected.spreadMs)) / 4
      rows[at + OWN + 6] = part(expected.medianMs)
      rows[at + OWN + 7] = part(expected.spreadMs)
      rows[at + OWN + 8] = part(mode.deviceMs)
      rows[at + OWN + 9] = part(mode.serverMs)
      rows[at + OWN + 10] = bounded(energyScale * mode.energyJ)
      if (mode.route === 'local') continue
      rows[at + OWN + 11] = part((8000 * mode.payloadBytes) / link.rateBps)
      rows[at + OWN + 12] = Math.log1p(mode.payloadBytes / 100) / 3
      const server = servers[mode.server]
      if (!server) continue
      rows[at + OWN + 13] = part(server.waitMs)
      rows[at + OWN + 14] = part(server.meanWaitMs)
      rows[at + OWN + 15] = part(server.deviationMs)
      rows[at + OWN + 16] = part(server.ageMs)
      rows[at + OWN + 17] = part(server.rttMs)
    }
    writeRegrets(costs, units, count, rows, rowsAt, ROW, context, contextAt)
    const at = contextAt + SITUATION
    context[at] = Math.log10(link.rateBps) / 3 - 2
    context[at + 1] = bounded(link.rateSpread ?? 0)
    context[at + 2] = part(link.spreadMs ?? 0)
    context[at + 3] = part(link.queueMs ?? 0)
    context[at + 4] = part(link.rttMs)
    context[at + 5] = part(observation.linkAgeMs)
    context[at + 6] = Math.min(1, observation.creditsLeft / 8)
    context[at + 7] = part(observation.processorMs)
    context[at + 8] = observation.lateShare
    context[at + 9] = part(observation.frameMs)
    context[at + 10] = Math.min(1, (observation.frames - observation.frame) / 20)
    return count
  },
  allowed: (observation, candidate) => mayTake(observation, observation.modes[candidate]!),
  units(_, units) {
    units.fill(UNIT)
  },
}

const bounded = (value: number): number => Math.max(-8, Math.min(8, value))

// Filled and read within one call.
const expected: Expected = { medianMs: 0, spreadMs: 0, inTime: 0 }
const costs = new Float64Array(OBJECTIVES * MOST)
const units = new Float64Array(OBJECTIVES).fill(UNIT)
