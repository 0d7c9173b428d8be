import fc from 'fast-check'
import { RandomStream } from '../../env/index.ts'
import { allLocalReference, costOfPlan, type PlanningGoal, type SchedulePlan } from '../index.ts'
import type { Job, Platform } from '../schedule/platform.ts'
import { type SchedulingProblem, schedulingProblem } from '../schedule/problem.ts'

/** Small problems of all kinds: several jobs, unreachable servers, tasks for the device alone, busy hosts, free transfers. */
export const smallProblems = (mostTasks: number): fc.Arbitrary<SchedulingProblem> =>
  fc.tuple(fc.integer(), fc.integer({ min: 1, max: mostTasks })).map(([seed, tasks]) => {
    const random = new RandomStream(seed)
    const jobs = tasks > 1 && random.uniform() < 0.4 ? 2 : 1
    const devices = jobs === 2 && random.uniform() < 0.5 ? 2 : 1
    const platform = smallPlatform(random, devices, tasks > 5 ? 3 - devices : 1 + random.below(2))
    const made: Job[] = []
    for (let job = 0, left = tasks; job < jobs; job++) {
      const count = job === jobs - 1 ? left : 1 + random.below(left - 1)
      left -= count
      made.push({
        graph: smallGraph(random, count),
        device: random.below(devices),
        arrivalS: job * random.below(3) * 0.5,
      })
    }
    const problem = schedulingProblem(
      platform,
      made,
      Array.from({ length: 5 }, () => (random.uniform() < 0.2 ? 1 : 0)),
    )
    for (let task = 0; task < tasks; task++) if (random.uniform() < 0.15) keepOnDevice(problem, task)
    return problem
  })

/** Weights of both kinds, also one alone. */
export const goals = fc.constantFrom(1, 0.7, 0.3, 0)

export const goalOf = (problem: SchedulingProblem, latency: number): PlanningGoal => ({
  weights: { latency, energy: 1 - latency },
  reference: allLocalReference(problem),
})

export const costFor = (problem: SchedulingProblem, { weights, reference }: PlanningGoal) => {
  return (plan: SchedulePlan) => costOfPlan(problem, plan, weights, reference)
}

function smallPlatform(random: RandomStream, devices: number, servers: number): Platform {
  const rates = () =>
    Array.from({ length: devices }, () =>
      Array.from({ length: servers }, () => (random.uniform() < 0.15 ? 0 : random.between(0.2, 3))),
    )
  const host = () => ({ cyclesPerS: 1 + random.below(4), cycleJ: random.uniform() })
  return {
    devices: Array.from({ length: devices }, (_, at) => ({
      ...host(),
      name: `device ${at}`,
      transmitW: random.uniform(),
      idleW: random.uniform() / 4,
    })),
    servers: Array.from({ length: servers }, (_, at) => ({ ...host(), name: `server ${at}` })),
    uplinkBps: rates(),
    downlinkBps: rates(),
    betweenServersBps: random.between(0.5, 5),
  }
}

function smallGraph(random: RandomStream, count: number): Job['graph'] {
  // Few values, so that starts tie.
  const size = () => random.below(4) / 2
  return {
    tasks: Array.from({ length: count }, (_, at) => ({
      id: `${at}`,
      cycles: 1 + random.below(4),
      inputBits: size(),
      outputBits: size(),
      after: Array.from({ length: at }, (_, from) => ({ task: `${from}`, bits: size() })).filter(
        () => random.uniform() < 0.4,
      ),
    })),
  }
}

function keepOnDevice({ hosts, executionS, deviceOf, jobOf }: SchedulingProblem, task: number): void {
  for (let host = 0; host < hosts; host++) {
    if (host !== deviceOf[jobOf[task]!]) executionS[task * hosts + host] = Infinity
  }
}

/** Least cost over all sequences and hosts: nothing of the solver's is used. */
export function leastCost(problem: SchedulingProblem, goal: PlanningGoal): number {
  const { tasks, hosts, executionS, firstIn, source } = problem
  const host = new Int32Array(tasks)
  const sequence = new Int32Array(tasks)
  const placed = new Uint8Array(tasks)
  const cost = costFor(problem, goal)
  let least = Infinity
  const extend = (depth: number): void => {
    if (depth === tasks) {
      least = Math.min(least, cost({ host, sequence }))
      return
    }
    for (let task = 0; task < tasks; task++) {
      if (placed[task]) continue
      if (source.subarray(firstIn[task]!, firstIn[task + 1]!).some((from) => !placed[from])) continue
      placed[task] = 1
      sequence[depth] = task
      for (let on = 0; on < hosts; on++) {
        if (executionS[task * hosts + on] === Infinity) continue
        host[task] = on
        extend(depth + 1)
      }
      placed[task] = 0
    }
  }
  extend(0)
  return least
}
