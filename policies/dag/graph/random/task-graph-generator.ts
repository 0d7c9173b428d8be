import type { RandomStream } from '../../../env/index.ts'
import { given, optionChecks } from '../../../option-checks.ts'
import type { Task, TaskGraph } from '../task-graph.ts'
import { drawEdges, drawLevels } from './published-levels.ts'
import { taskCounts } from './published-shapes.ts'
import { drawCoreSeconds, MEAN_CORE_SECONDS } from './published-work.ts'

/** What random graphs are like. */
export interface TaskGraphOptions {
  /** Number of tasks, 1 to 10,000, or bounds within which it is drawn as published (1 to 199 are). Default [1, 199]. */
  readonly tasks?: number | readonly [least: number, most: number]
  /** How cycles are spread: log-normal (default), or as durations times cores are in Alibaba's trace: much wider. */
  readonly work?: 'log-normal' | 'published'
  /** Mean cycles of a task. Default 1e9. */
  readonly meanCycles?: number
  /** σ of the logarithm of log-normal cycles. Default 1. */
  readonly cyclesSigma?: number
  /**
   * Communication-to-computation ratio (Topcuoglu et al. 2002, 6.1.1): mean time of an edge's bits at `referenceBps` over mean time
   * of a task at `referenceCyclesPerS`. Default 1.
   */
  readonly communicationRatio?: number
  /** Default 1e10 cycles/s, a server's core at 2.5 GHz that does four at a time. */
  readonly referenceCyclesPerS?: number
  /** Default 50e6 bit/s. */
  readonly referenceBps?: number
  /** σ of the logarithm of an edge's bits, which are log-normal. Default 1. */
  readonly bitsSigma?: number
  /** Mean bits that a task which waits for none reads from the device, over an edge's mean. Default 1. */
  readonly inputRatio?: number
  /** Mean bits that a task which none waits for gives to the device, over an edge's mean. Default 0.1. */
  readonly outputRatio?: number
}

const defaults = {
  tasks: [1, 199],
  work: 'log-normal',
  meanCycles: 1e9,
  cyclesSigma: 1,
  communicationRatio: 1,
  referenceCyclesPerS: 1e10,
  referenceBps: 50e6,
  bitsSigma: 1,
  inputRatio: 1,
  outputRatio: 0.1,
} as const satisfies Required<TaskGraphOptions>

const checks = optionChecks('TaskGraphGenerator')

/**
 * Draws graphs shaped as the jobs of Alibaba's trace of 2018: number of tasks, tasks on the longest chain given that number, and
 * tasks on each level given that length follow the published counts (Tian et al., SoCC 2019). Which level a task is on is drawn
 * from its job's number of levels alone, as in the paper's generator; edges reach from a level to the next. Equal streams give equal
 * graphs. Ids are `t1`, `t2` …, level by level.
 *
 * @throws IsthmusError `BAD_OPTION` that names the option
 */
export class TaskGraphGenerator {
  readonly options: Required<TaskGraphOptions>
  /** Mean bits of an edge. */
  readonly meanEdgeBits: number

  constructor(options: TaskGraphOptions = {}) {
    checks.knownOnly('', options, Object.keys(defaults))
    const all: Required<TaskGraphOptions> = { ...defaults, ...given(options) }
    checkTasks(all.tasks)
    checks.oneOf('work', all.work, ['log-normal', 'published'])
    for (const field of ['meanCycles', 'referenceCyclesPerS', 'referenceBps'] as const) {
      checks.within(field, all[field], 1, 1e15)
    }
    for (const field of ['cyclesSigma', 'bitsSigma'] as const) checks.within(field, all[field], 0, 3)
    for (const field of ['communicationRatio', 'inputRatio', 'outputRatio'] as const) {
      checks.within(field, all[field], 0, 1000)
    }
    this.options = all
    this.meanEdgeBits = (all.communicationRatio * all.meanCycles * all.referenceBps) / all.referenceCyclesPerS
  }

  next(random: RandomStream): TaskGraph {
    const { tasks, inputRatio, outputRatio } = this.options
    const count = typeof tasks === 'number' ? tasks : taskCounts.draw(random, tasks[0], tasks[1])
    const after = drawEdges(drawLevels(count, random), random)
    const waitedFor = new Set(after.flat())
    return {
      tasks: after.map((before, at): Task => {
        const id = `t${at + 1}`
        const cycles = this.cycles(random)
        const inputBits = before.length === 0 ? this.bits(random, inputRatio) : 0
        const outputBits = waitedFor.has(at) ? 0 : this.bits(random, outputRatio)
        return {
          id,
          cycles,
          ...(inputBits > 0 && { inputBits }),
          ...(outputBits > 0 && { outputBits }),
          ...(before.length > 0 && {
            after: before.map((from) => ({ task: `t${from + 1}`, bits: this.bits(random, 1) })),
          }),
        }
      }),
    }
  }

  private cycles(random: RandomStream): number {
    const { work, meanCycles, cyclesSigma } = this.options
    if (work === 'published') return (meanCycles * drawCoreSeconds(random)) / MEAN_CORE_SECONDS
    return logNormal(random, meanCycles, cyclesSigma)
  }

  /** Whole bits. */
  private bits(random: RandomStream, ratio: number): number {
    return Math.round(logNormal(random, this.meanEdgeBits * ratio, this.options.bitsSigma))
  }
}

/** One graph; for many of a kind, make a `TaskGraphGenerator`. */
export function randomTaskGraph(options: TaskGraphOptions, random: RandomStream): TaskGraph {
  return new TaskGraphGenerator(options).next(random)
}

function checkTasks(tasks: Required<TaskGraphOptions>['tasks']): void {
  if (typeof tasks === 'number') {
    checks.integer('tasks', tasks, 1, 10_000)
    return
  }
  checks.drawn('tasks', tasks, 1, 10_000)
  if (!(taskCounts.weightOf(tasks[0], tasks[1]) > 0)) {
    throw checks.bad(`tasks: no published job has ${tasks[0]} to ${tasks[1]} tasks; give one number`)
  }
}

function logNormal(random: RandomStream, mean: number, sigma: number): number {
  return mean * Math.exp(sigma * random.normal() - (sigma * sigma) / 2)
}
