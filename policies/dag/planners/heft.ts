import type { SchedulingProblem } from '../schedule/problem.ts'
import { HostSlots } from './host-slots.ts'
import type { Planner } from './planner.ts'
import { rankOrder } from './upward-rank.ts'

/**
 * HEFT (Topcuoglu et al. 2002): tasks by upward rank, each on the host on which it ends earliest, in a gap between others where
 * it fits. For tasks that no other waits for, the way of the output to the device counts. Looks at latency alone.
 */
export const heft: Planner = {
  name: 'HEFT',
  plan(problem) {
    const slots = new HostSlots(problem)
    for (const task of rankOrder(problem)) placeEarliest(problem, slots, task)
    return slots.plan()
  },
}

/**
 * HEFT that looks one step ahead (Bittencourt et al. 2010): each task goes to the host from which all that wait for it, placed
 * as HEFT would, are done earliest.
 */
export const lookaheadHeft: Planner = {
  name: 'lookahead HEFT',
  plan(problem) {
    const { hosts, executionS, firstOut, target } = problem
    const slots = new HostSlots(problem)
    const order = rankOrder(problem)
    const position = new Int32Array(problem.tasks)
    for (const [at, task] of order.entries()) position[task] = at
    for (const task of order) {
      const followers = target
        .slice(firstOut[task]!, firstOut[task + 1]!)
        .sort((a, b) => position[a]! - position[b]!)
      let best = -1
      let bestDone = Infinity
      let bestOwn = Infinity
      for (let host = 0; host < hosts; host++) {
        if (executionS[task * hosts + host]! === Infinity) continue
        slots.place(task, host)
        const own = doneS(problem, slots, task)
        let done = own
        for (const follower of followers) done = Math.max(done, placeEarliest(problem, slots, follower))
        for (const follower of followers) slots.remove(follower)
        slots.remove(task)
        if (best < 0 || done < bestDone || (done === bestDone && own < bestOwn)) {
          best = host
          bestDone = done
          bestOwn = own
        }
      }
      slots.place(task, best)
    }
    return slots.plan()
  },
}

/** Places a task where it is done earliest; returns when that is, s. */
export function placeEarliest(problem: SchedulingProblem, slots: HostSlots, task: number): number {
  const { hosts, executionS } = problem
  let best = -1
  let bestStart = 0
  let bestDone = Infinity
  for (let host = 0; host < hosts; host++) {
    const length = executionS[task * hosts + host]!
    if (length === Infinity) continue
    const start = slots.earliestStartS(task, host)
    const done = start + length + finalReturnS(problem, task, host)
    if (done < bestDone || best < 0) {
      best = host
      bestStart = start
      bestDone = done
    }
  }
  slots.place(task, best, bestStart)
  return bestDone
}

const doneS = (problem: SchedulingProblem, { finishS, host }: HostSlots, task: number): number =>
  finishS[task]! + finalReturnS(problem, task, host[task]!)

function finalReturnS({ hosts, firstOut, returnS }: SchedulingProblem, task: number, host: number): number {
  return firstOut[task] === firstOut[task + 1] ? returnS[task * hosts + host]! : 0
}
