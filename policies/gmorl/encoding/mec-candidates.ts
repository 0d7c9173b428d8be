import { delayS, energyJ, MEC_OBSERVATION, type MecObservation, uploadS } from '../../env/index.ts'
import type { CandidateEncoding } from './candidate-encoding.ts'
import { contextStart, rowStart, writeRegrets } from './preference.ts'

const OBJECTIVES = 2
const OWN = rowStart(OBJECTIVES)
const PUBLISHED = OWN + 10
/** Bins of the histogram of what is left of a server's jobs, and how many of them the mean task spans. */
const BINS = 60
const BINS_PER_MEAN_TASK = 12
const ROW = PUBLISHED + 4 + BINS
const SITUATION = contextStart(OBJECTIVES)
const CONTEXT = SITUATION + 10

/**
 * Servers of the system `mec` as candidates. A row is what placing the task there costs now, what is at work there, and
 * GMORL's own row (arXiv 2307.14346: clock, edges, rate, jobs, histogram of what is left of them). Beyond the published state:
 * uploads, the waiting line, slots left. Sizes are in units of the mean task, times in units of its time at a mean server, clocks
 * in units of their mean: a system whose clocks are all faster looks the same.
 */
export const mecCandidates: CandidateEncoding<MecObservation> = {
  version: 'mec-candidates/2',
  observationVersion: MEC_OBSERVATION,
  objectives: OBJECTIVES,
  rowLength: ROW,
  contextLength: CONTEXT,
  encode(observation, rows, rowsAt, context, contextAt) {
    const { servers, queues, taskBits, rateBps, meanTaskBits, executionJPerBit, delayScale, energyScale } =
      observation
    const { timeS, energyJ: unitJ } = usualCost(observation)
    units[0] = delayScale * timeS
    units[1] = energyScale * unitJ
    const binsPerBit = BINS_PER_MEAN_TASK / meanTaskBits
    let totalWorkS = 0
    let idle = 0
    for (let server = 0; server < servers; server++) {
      const at = rowsAt + server * ROW
      rows.fill(0, at, at + ROW)
      const speed = queues.speedBps[server]!
      const ownS = taskBits / speed
      const waitS = taskBits > 0 ? delayS(observation, server) : 0
      costs[OBJECTIVES * server] = delayScale * waitS
      costs[OBJECTIVES * server + 1] = energyScale * energyJ(observation, server)
      const jobs = queues.jobs[server]!
      const first = server * queues.capacity
      let workBits = 0
      let smaller = 0
      const bins = at + PUBLISHED + 4
      for (let job = first; job < first + jobs; job++) {
        const left = queues.leftBits[job]!
        workBits += left
        if (left < taskBits) smaller++
        rows[bins + Math.min(BINS - 1, Math.floor(left * binsPerBit))]! += 1
      }
      let uploadingBits = 0
      for (let job = first; job < first + queues.uploads[server]!; job++) {
        uploadingBits += queues.uploadBits[job]!
      }
      const workS = (workBits + uploadingBits) / speed
      totalWorkS += workS
      if (jobs === 0 && uploadingBits === 0) idle++
      const others = Math.max(0, waitS - ownS - uploadS(observation, server))
      rows[at + OWN] = ownS / timeS
      rows[at + OWN + 1] = Math.log1p(others / timeS)
      rows[at + OWN + 2] = workS / timeS / 2
      rows[at + OWN + 3] = Math.log1p(workS / timeS)
      rows[at + OWN + 4] = jobs / 5
      rows[at + OWN + 5] = uploadingBits / meanTaskBits
      rows[at + OWN + 6] = smaller / 5
      rows[at + OWN + 7] = jobs > 0 ? queues.leftBits[first + jobs - 1]! / speed / timeS / 2 : 0
      rows[at + OWN + 8] = (executionJPerBit[server]! * meanTaskBits * ENERGY_UNIT) / unitJ / 3
      rows[at + OWN + 9] = jobs > 0 ? 0 : 1
      rows[at + PUBLISHED] = (speed * timeS) / meanTaskBits / 2
      rows[at + PUBLISHED + 1] = (servers - 1) / 10
      rows[at + PUBLISHED + 2] = Math.log1p(meanTaskBits / rateBps[server]! / timeS)
      rows[at + PUBLISHED + 3] = jobs / 10
    }
    writeRegrets(costs, units, servers, rows, rowsAt, ROW, context, contextAt)
    const left = observation.slots - observation.slot
    const at = contextAt + SITUATION
    context[at] = servers / 10
    context[at + 1] = taskBits / meanTaskBits
    context[at + 2] = Math.log1p(observation.backlog)
    context[at + 3] = observation.backlog === 0 ? 1 : 0
    context[at + 4] = Math.min(1, left / 10)
    context[at + 5] = Math.min(1, left / 30)
    context[at + 6] = Math.min(1, left / 100)
    context[at + 7] = totalWorkS / timeS / servers
    context[at + 8] = idle / servers
    context[at + 9] = observation.arrivals
    return servers
  },
  units(observation, units) {
    const { timeS, energyJ } = usualCost(observation)
    units[0] = observation.delayScale * timeS
    units[1] = observation.energyScale * energyJ
  },
}

// Filled and read within one call.
const units = new Float64Array(OBJECTIVES)
const costs = new Float64Array(OBJECTIVES * 256)

/**
 * Where one objective rules, what is left to decide is of the other's size. A unit of energy this much smaller than what a choice can
 * cost keeps delays from drowning in a weighted sum that is mostly energy, where the fronts have their knee.
 */
const ENERGY_UNIT = 0.1

/** Time of the mean task at a mean server, and a part of what it costs more in energy at the dearest server than at the cheapest. */
function usualCost({ servers, queues, meanTaskBits, executionJPerBit }: MecObservation) {
  let speed = 0
  let least = Infinity
  let most = 0
  for (let server = 0; server < servers; server++) {
    speed += queues.speedBps[server]!
    least = Math.min(least, executionJPerBit[server]!)
    most = Math.max(most, executionJPerBit[server]!)
  }
  usual.timeS = (meanTaskBits * servers) / speed
  usual.energyJ = ENERGY_UNIT * meanTaskBits * Math.max(most - least, 0.1 * most)
  return usual
}
const usual = { timeS: 0, energyJ: 0 }
