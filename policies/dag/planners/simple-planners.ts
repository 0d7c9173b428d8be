import type { RandomStream } from '../../env/index.ts'
import type { SchedulingProblem } from '../schedule/problem.ts'
import type { Planner } from './planner.ts'
import { rankOrder } from './upward-rank.ts'

/** Every task on its user's device, one that may not run there where it is quickest; by upward rank. */
export const allLocal: Planner = {
  name: 'all local',
  plan(problem) {
    const host = Int32Array.from(problem.jobOf, (job, task) => {
      const device = problem.deviceOf[job]!
      return problem.executionS[task * problem.hosts + device]! < Infinity ? device : quickest(problem, task)
    })
    return { host, sequence: rankOrder(problem) }
  },
}

/** Every task on a host that may run it, each as likely; by upward rank. */
export const randomPlanner = (random: RandomStream): Planner => ({
  name: 'random',
  plan(problem) {
    const host = Int32Array.from(problem.jobOf.keys(), (task) => randomHost(problem, task, random))
    return { host, sequence: rankOrder(problem) }
  },
})

function quickest({ hosts, executionS }: SchedulingProblem, task: number): number {
  const times = executionS.subarray(task * hosts, (task + 1) * hosts)
  return times.indexOf(Math.min(...times))
}

/** A host that may run the task, each as likely. */
export function randomHost(
  { hosts, executionS }: SchedulingProblem,
  task: number,
  random: RandomStream,
): number {
  let allowed = 0
  for (let host = 0; host < hosts; host++) if (executionS[task * hosts + host]! < Infinity) allowed++
  let left = random.below(allowed)
  for (let host = 0; ; host++) {
    if (executionS[task * hosts + host]! < Infinity && left-- === 0) return host
  }
}
