import type { RandomStream } from '../../env/index.ts'
import type { Task, TaskGraph } from '../graph/task-graph.ts'
import type { Platform } from '../schedule/platform.ts'
import { type SchedulingProblem, schedulingProblem } from '../schedule/problem.ts'

export interface RandomProblemOptions {
  readonly tasks: number
  /** `narrow`: many levels, one to three tasks each, as of Alibaba's jobs; `wide`: about √tasks levels. */
  readonly shape: 'narrow' | 'wide'
  /** Communication-to-computation ratio: mean time of a transfer to a server over mean time of a task on one. */
  readonly ratio: number
  /** Default 3. */
  readonly servers?: number
}

/** One job of random shape and sizes on a device and servers of random speeds. */
export function randomProblem(random: RandomStream, options: RandomProblemOptions): SchedulingProblem {
  const platform = randomPlatform(random, options.servers ?? 3)
  const graph = layeredGraph(random, options, platform)
  return schedulingProblem(platform, [{ graph, device: 0, arrivalS: 0 }])
}

function randomPlatform(random: RandomStream, servers: number): Platform {
  const rates = () => Array.from({ length: servers }, () => random.between(20e6, 100e6))
  return {
    devices: [{ name: 'device', cyclesPerS: 1e9, cycleJ: 1e-9, transmitW: 0.5, idleW: 0.1 }],
    servers: Array.from({ length: servers }, (_, at) => ({
      name: `server ${at}`,
      cyclesPerS: random.between(2e9, 6e9),
      cycleJ: random.between(0.5e-9, 2e-9),
    })),
    uplinkBps: [rates()],
    downlinkBps: [rates()],
    betweenServersBps: 100e6,
  }
}

function layeredGraph(
  random: RandomStream,
  { tasks, shape, ratio }: RandomProblemOptions,
  platform: Platform,
): TaskGraph {
  const meanCycles = 1e9
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const executionS = mean(platform.servers.map(({ cyclesPerS }) => meanCycles / cyclesPerS))
  const bits = () => ratio * executionS * mean(platform.uplinkBps[0]!) * random.between(0.2, 1.8)
  const made: Task[] = []
  let before: string[] = []
  while (made.length < tasks) {
    const most = shape === 'narrow' ? 1 + random.below(3) : 1 + random.below(Math.ceil(2 * Math.sqrt(tasks)))
    const width = Math.min(tasks - made.length, most)
    const level: Task[] = []
    for (let k = 0; k < width; k++) {
      const sure = random.below(before.length || 1)
      const chance = shape === 'narrow' ? 0.5 : 0.3
      const after = before
        .filter((_, at) => at === sure || random.uniform() < chance)
        .map((task) => ({ task, bits: bits() }))
      const cycles = meanCycles * random.between(0.2, 1.8)
      level.push({
        id: `${made.length + k}`,
        cycles,
        after,
        ...(after.length === 0 && { inputBits: bits() }),
      })
    }
    made.push(...level)
    before = level.map(({ id }) => id)
  }
  const waitedFor = new Set(made.flatMap(({ after = [] }) => after.map(({ task }) => task)))
  return { tasks: made.map((task) => (waitedFor.has(task.id) ? task : { ...task, outputBits: bits() / 4 })) }
}
