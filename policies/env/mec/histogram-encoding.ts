import { policyError } from '../../errors.ts'
import type { MecObservation } from './mec-observation.ts'

/** Bins of 1 Mbit; the last also holds all jobs that are larger. */
export const HISTOGRAM_BINS = 60
/** Numbers of one server's row. */
export const HISTOGRAM_ROW = 7 + HISTOGRAM_BINS

/**
 * Writes what GMORL's networks see, one row of {@link HISTOGRAM_ROW} a server, the cloud first: 1; clock in GHz; edges; size of
 * the task in Mbit; 1 until the episode is over, then 0; rate of the task's user in 100 Mbit/s; jobs in service; and how many
 * of those have 0–1, 1–2, … Mbit left. Rows of `out` beyond the servers become 0.
 *
 * @param out `[rows, 67] float32`, at least as many rows as there are servers
 * @throws IsthmusError `BAD_OPTION` when `out` is too short or no whole number of rows
 */
export function encodeHistogram(observation: MecObservation, out: Float32Array): void {
  const { servers, queues, taskBits, rateBps, slot, slots } = observation
  if (out.length < servers * HISTOGRAM_ROW || out.length % HISTOGRAM_ROW !== 0) {
    throw policyError(
      'BAD_OPTION',
      `encodeHistogram: out holds ${out.length} numbers; give ${HISTOGRAM_ROW} for each of ${servers} servers`,
    )
  }
  out.fill(0)
  for (let server = 0; server < servers; server++) {
    const row = server * HISTOGRAM_ROW
    const jobs = queues.jobs[server]!
    out[row] = 1
    out[row + 1] = queues.speedBps[server]! / 1e6
    out[row + 2] = servers - 1
    out[row + 3] = taskBits / 1e6
    out[row + 4] = slot < slots ? 1 : 0
    out[row + 5] = rateBps[server]! / 1e8
    out[row + 6] = jobs
    const first = server * queues.capacity
    for (let at = first; at < first + jobs; at++) {
      out[row + 7 + Math.min(HISTOGRAM_BINS - 1, Math.floor(queues.leftBits[at]! / 1e6))]! += 1
    }
  }
}
