import {
  allLocalReference,
  type PlanningGoal,
  randomProblem,
  type SchedulingProblem,
} from '@isthmus/policies/dag'
import { RandomStream } from '@isthmus/policies/env'

/** Graphs that nothing else draws: training and tests use other seeds. */
const FIRST_SEED = 7_000_000_000

export interface BenchGraph {
  /** Shape and communication-to-computation ratio. */
  readonly kind: string
  readonly seed: number
  readonly problem: SchedulingProblem
  readonly goal: PlanningGoal
}

/** As many graphs of each kind, 20 tasks on a device and three servers, to be done soonest. */
export function benchGraphs(perKind: number): BenchGraph[] {
  const kinds = (['narrow', 'wide'] as const).flatMap((shape) =>
    [0.1, 0.5, 1, 2].map((ratio) => ({ shape, ratio })),
  )
  return kinds.flatMap(({ shape, ratio }, kind) =>
    Array.from({ length: perKind }, (_, at) => {
      const seed = FIRST_SEED + kind * 10_000 + at
      const problem = randomProblem(new RandomStream(seed), { tasks: 20, shape, ratio })
      const goal = { weights: { latency: 1 }, reference: allLocalReference(problem) }
      return { kind: `${shape} ${ratio}`, seed, problem, goal }
    }),
  )
}

/** Processor time of this process, ms: what others do on the machine does not count. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
