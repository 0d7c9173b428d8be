import { type Job, jobArrivals, type Platform, randomPlatform, TaskGraphGenerator } from '../dag/index.ts'
import { RandomStream } from '../env/index.ts'
import { optionChecks } from '../option-checks.ts'

/** Users with pipelines that share a few servers. */
export interface DagScenarioOptions {
  /** Default 8, and 4. */
  readonly users?: number
  readonly servers?: number
  /** Work that comes in as a share of what the servers can do, drawn for each episode. Default 0.5 to 0.85. */
  readonly load?: readonly [low: number, high: number]
  /** Bounds of a graph's number of tasks, drawn as published. Default 4 to 12. */
  readonly tasks?: readonly [least: number, most: number]
  /** Mean cycles of a task. Default 2e8: a fifth of a second on a device, some 25 ms on a server. */
  readonly meanCycles?: number
  /** Seconds of an episode in which jobs arrive. Default 10. */
  readonly horizonS?: number
  /** Rounds of 20 ms from one publishing of the servers' loads to the next. Default 25. */
  readonly publishEvery?: number
  /**
   * Share of tasks that can be divided between their user's device and a server, each drawn for itself. Default 0. The graphs
   * are otherwise the same.
   */
  readonly divisible?: number
}

const checks = optionChecks('dag scenario')
const DEVICE_CYCLES_PER_S = [0.8e9, 1.5e9] as const
const SERVER_CYCLES_PER_S = [5e9, 10e9] as const

/**
 * Makes episodes of {@link DagRounds}: graphs of the published shapes arrive at every user's device as often as to load the servers so far.
 * Throws IsthmusError `BAD_OPTION` that names the option.
 */
export function dagScenario(
  options: DagScenarioOptions,
): (random: RandomStream) => { platform: Platform; jobs: readonly Job[] } {
  const {
    users = 8,
    servers = 4,
    load = [0.5, 0.85],
    tasks = [4, 12],
    meanCycles = 2e8,
    horizonS = 10,
    divisible = 0,
  } = options
  checks.knownOnly('', options, [
    'users',
    'servers',
    'load',
    'tasks',
    'meanCycles',
    'horizonS',
    'publishEvery',
    'divisible',
  ])
  checks.integer('users', users, 1, 1000)
  checks.integer('servers', servers, 1, 1000)
  checks.drawn('load', load, 0.01, 10)
  checks.within('divisible', divisible, 0, 1)
  const generator = new TaskGraphGenerator({
    tasks,
    meanCycles,
    cyclesSigma: 0.7,
    communicationRatio: 1,
    referenceCyclesPerS: 7.5e9,
    referenceBps: 80e6,
  })
  const meanTasks = meanTasksOf(generator)
  return (random) => {
    const platform = randomPlatform(
      {
        devices: users,
        servers,
        deviceCyclesPerS: DEVICE_CYCLES_PER_S,
        serverCyclesPerS: SERVER_CYCLES_PER_S,
        uplinkBps: [40e6, 120e6],
      },
      random,
    )
    const capacity = platform.servers.reduce((sum, { cyclesPerS }) => sum + cyclesPerS, 0)
    const jobsPerS = (random.between(load[0], load[1]) * capacity) / (meanTasks * meanCycles)
    const jobs = jobArrivals({ users, ratePerS: jobsPerS / users, horizonS, generator }, random)
    return { platform, jobs: divisible > 0 ? jobs.map((job) => mayBeDivided(job, divisible, random)) : jobs }
  }
}

function mayBeDivided(job: Job, divisible: number, random: RandomStream): Job {
  const tasks = job.graph.tasks.map((task) => ({ ...task, divisible: random.uniform() < divisible }))
  return { ...job, graph: { ...job.graph, tasks } }
}

const MEASURED_GRAPHS = 300

/** The generator's mean within its bounds is known only by drawing; always the same draws. */
function meanTasksOf(generator: TaskGraphGenerator): number {
  const random = new RandomStream(0x6d65616e)
  let sum = 0
  for (let graph = 0; graph < MEASURED_GRAPHS; graph++) sum += generator.next(random).tasks.length
  return sum / MEASURED_GRAPHS
}
