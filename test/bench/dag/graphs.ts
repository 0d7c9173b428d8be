import { graphProblems } from '@isthmus/policies/com-ddpg'
import {
  allLocalReference,
  type PlanningGoal,
  randomProblem,
  type SchedulingProblem,
} from '@isthmus/policies/dag'
import { RandomStream } from '@isthmus/policies/env'

/** Graphs that nothing else draws: training and tests use other seeds. */
const FIRST_SEED = 7_000_000_000

/** Shaped as the jobs of Alibaba's trace are; or layered, on which bounds are weaker and rules further off. */
export const SETS = ['published shapes', 'layered'] as const
export type GraphSet = (typeof SETS)[number]

export interface BenchGraph {
  readonly set: GraphSet
  /** Shape and communication-to-computation ratio. */
  readonly kind: string
  readonly seed: number
  readonly problem: SchedulingProblem
  readonly goal: PlanningGoal
}

const TASKS = 20
const RATIOS = [0.1, 0.5, 1, 2] as const

const drawers: readonly {
  readonly set: GraphSet
  readonly kind: string
  readonly draw: (random: RandomStream) => SchedulingProblem
}[] = [
  ...RATIOS.map((ratio) => ({
    set: SETS[0],
    kind: `published ${ratio}`,
    draw: graphProblems({ tasks: TASKS, communicationRatio: [ratio, ratio] }),
  })),
  ...(['narrow', 'wide'] as const).flatMap((shape) =>
    RATIOS.map((ratio) => ({
      set: SETS[1],
      kind: `${shape} ${ratio}`,
      draw: (random: RandomStream) => randomProblem(random, { tasks: TASKS, shape, ratio }),
    })),
  ),
]

/** As many graphs of each kind, 20 tasks on a device and three servers, to be done soonest. */
export function benchGraphs(perKind: Readonly<Record<GraphSet, number>>): BenchGraph[] {
  return drawers.flatMap(({ set, kind, draw }, at) =>
    Array.from({ length: perKind[set] }, (_, graph) => {
      const seed = FIRST_SEED + at * 10_000 + graph
      const problem = draw(new RandomStream(seed))
      const goal = { weights: { latency: 1 }, reference: allLocalReference(problem) }
      return { set, kind, seed, problem, goal }
    }),
  )
}

/** Processor time of this process, ms: what others do on the machine does not count. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
