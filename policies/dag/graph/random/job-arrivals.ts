import type { RandomStream } from '../../../env/index.ts'
import { optionChecks } from '../../../option-checks.ts'
import type { Job } from '../../schedule/platform.ts'
import type { TaskGraph } from '../task-graph.ts'

/** Who sends how many graphs. */
export interface ArrivalOptions {
  /** Users: one device each. */
  readonly users: number
  /** Jobs that one user sends in a second, in the mean. */
  readonly ratePerS: number
  /** Jobs arrive from 0 s to before this moment. */
  readonly horizonS: number
  /** Where graphs come from, a `TaskGraphGenerator` say. */
  readonly generator: { next(random: RandomStream): TaskGraph }
}

/** Most jobs that are expected in one call. */
const MOST_JOBS = 1_000_000

const checks = optionChecks('jobArrivals')

/**
 * Each user's graphs arrive as a Poisson process of its own. Jobs are in the order of their arrival.
 *
 * @throws IsthmusError `BAD_OPTION` that names the option
 */
export function jobArrivals(options: ArrivalOptions, random: RandomStream): Job[] {
  const { users, ratePerS, horizonS, generator } = options
  checks.integer('users', users, 1, 1e6)
  checks.within('ratePerS', ratePerS, 0, 1e6)
  checks.within('horizonS', horizonS, 0, 1e9)
  const expected = users * ratePerS * horizonS
  if (expected > MOST_JOBS)
    throw checks.bad(`${expected} jobs are to be expected; at most ${MOST_JOBS} are made`)
  const jobs: Job[] = []
  // Together the users' arrivals are one Poisson process, and each is any user's alike.
  const meanS = 1 / (users * ratePerS)
  for (let atS = random.exponential(meanS); atS < horizonS; atS += random.exponential(meanS)) {
    jobs.push({ graph: generator.next(random), device: random.below(users), arrivalS: atS })
  }
  return jobs
}
