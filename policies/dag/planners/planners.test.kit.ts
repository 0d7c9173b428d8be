import { expect } from 'vitest'
import { GRAPH_ROW } from '../../com-ddpg/graph-rows.ts'
import { agentPlanner, initialActor } from '../../com-ddpg/index.ts'
import { RandomStream } from '../../env/index.ts'
import {
  allLocal,
  antColony,
  greedy,
  heft,
  localSearch,
  lookaheadHeft,
  type Planner,
  pilotHeft,
  randomPlanner,
  type SchedulePlan,
  type SchedulingProblem,
} from '../index.ts'

/** Takes what is best on its face, as pilot HEFT does. */
export function untrainedAgent(passes = 1): Planner {
  const shape = { row: GRAPH_ROW, hidden: 4, message: 1, heard: 1, communication: 'none' } as const
  return agentPlanner({ shape, weights: initialActor(shape, new RandomStream(4)) }, { passes })
}

/** One of each kind that plans whatever the goal is. */
export const everyPlanner: readonly Planner[] = [
  heft,
  lookaheadHeft,
  greedy,
  allLocal,
  randomPlanner(new RandomStream(1)),
  localSearch(),
  localSearch({ random: new RandomStream(2), evaluations: 300 }),
  antColony({ random: new RandomStream(3), iterations: 3, ants: 4 }),
  pilotHeft(),
  untrainedAgent(),
]

/** Every task once, none before one that it waits for, each where it may run. */
export function expectPossible(problem: SchedulingProblem, { host, sequence }: SchedulePlan): void {
  const { tasks, hosts, executionS, firstIn, source } = problem
  expect([...sequence].sort((a, b) => a - b)).toEqual(Array.from({ length: tasks }, (_, task) => task))
  for (let task = 0; task < tasks; task++) {
    expect(executionS[task * hosts + host[task]!]).toBeLessThan(Infinity)
    for (const from of source.subarray(firstIn[task]!, firstIn[task + 1]!)) {
      expect(sequence.indexOf(from)).toBeLessThan(sequence.indexOf(task))
    }
  }
}
