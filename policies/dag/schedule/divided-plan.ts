import { policyError } from '../../errors.ts'
import type { SchedulePlan } from './plan.ts'
import type { SchedulingProblem } from './problem.ts'

/** A task, or a part of one. */
interface Part {
  readonly task: number
  readonly host: number
  readonly share: number
}

/**
 * A plan that divides tasks as one of whole tasks: each divided task is two, one on its host and one on its user's device, that take
 * their shares of work, input, energy and way back. Of what one task hands to another, each part hands its share to each part, by
 * that one's share. So the cost model knows of nothing but tasks.
 *
 * @returns problem and plan of the parts: first the tasks by number, then the devices' parts in the order of their tasks. What came in
 *   where the plan divides nothing. Throws IsthmusError `BAD_OPTION` that names a task whose share is none
 */
export function dividedPlan(
  problem: SchedulingProblem,
  plan: SchedulePlan,
): { readonly problem: SchedulingProblem; readonly plan: SchedulePlan } {
  if (!plan.share) return { problem, plan }
  checkShares(problem, plan, plan.share)
  const parts = partsOf(problem, plan, plan.share)
  const byTask = new Map<number, number[]>()
  for (const [part, { task }] of parts.entries()) byTask.set(task, [...(byTask.get(task) ?? []), part])
  return {
    problem: {
      ...problem,
      tasks: parts.length,
      jobOf: Int32Array.from(parts, ({ task }) => problem.jobOf[task]!),
      inGraph: Int32Array.from(parts, ({ task }) => problem.inGraph[task]!),
      divisible: new Uint8Array(parts.length),
      ...amountsOf(problem, parts),
      ...edgesOf(problem, parts, byTask),
    },
    plan: {
      host: Int32Array.from(parts, ({ host }) => host),
      sequence: Int32Array.from([...plan.sequence].flatMap((task) => byTask.get(task)!)),
    },
  }
}

function checkShares(
  { tasks, divisible, firstServer }: SchedulingProblem,
  { host }: SchedulePlan,
  shares: Float64Array,
): void {
  for (let task = 0; task < tasks; task++) {
    const share = shares[task]!
    const bad = (what: string) =>
      policyError('BAD_OPTION', `plan: the share of task ${task} is ${share}; ${what}`)
    if (!(share > 0 && share <= 1)) throw bad('it must be above 0, at most 1')
    if (share < 1 && divisible[task] !== 1) throw bad('the task is not divisible')
    if (share < 1 && host[task]! < firstServer) throw bad('the task is on a device')
  }
}

function partsOf(
  { tasks, jobOf, deviceOf }: SchedulingProblem,
  { host }: SchedulePlan,
  shares: Float64Array,
): Part[] {
  const parts: Part[] = []
  for (let task = 0; task < tasks; task++) parts.push({ task, host: host[task]!, share: shares[task]! })
  for (let task = 0; task < tasks; task++) {
    const share = 1 - shares[task]!
    if (share > 0) parts.push({ task, host: deviceOf[jobOf[task]!]!, share })
  }
  return parts
}

/** All that is counted by task and host. */
function amountsOf(problem: SchedulingProblem, parts: readonly Part[]) {
  const { hosts, jobOf, arrivalS } = problem
  const scaled = (values: Float64Array, from: (task: number) => number = () => 0) => {
    const all = new Float64Array(parts.length * hosts)
    for (const [part, { task, share }] of parts.entries()) {
      const base = from(task)
      for (let host = 0; host < hosts; host++) {
        const value = values[task * hosts + host]!
        all[part * hosts + host] = share === 1 ? value : base + share * (value - base)
      }
    }
    return all
  }
  return {
    executionS: scaled(problem.executionS),
    executionJ: scaled(problem.executionJ),
    inputAtS: scaled(problem.inputAtS, (task) => arrivalS[jobOf[task]!]!),
    inputJ: scaled(problem.inputJ),
    returnS: scaled(problem.returnS),
  }
}

function edgesOf(
  { firstIn, source, inBits }: SchedulingProblem,
  parts: readonly Part[],
  byTask: ReadonlyMap<number, readonly number[]>,
) {
  const incoming = parts.map(({ task, share }) => {
    const edges: { from: number; bits: number }[] = []
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
      for (const from of byTask.get(source[edge]!)!)
        edges.push({ from, bits: inBits[edge]! * parts[from]!.share * share })
    }
    return edges
  })
  const outgoing = parts.map((): { to: number; bits: number }[] => [])
  for (const [to, edges] of incoming.entries()) {
    for (const { from, bits } of edges) outgoing[from]!.push({ to, bits })
  }
  const all = incoming.flat()
  const back = outgoing.flat()
  return {
    firstIn: offsets(incoming),
    source: Int32Array.from(all, ({ from }) => from),
    inBits: Float64Array.from(all, ({ bits }) => bits),
    firstOut: offsets(outgoing),
    target: Int32Array.from(back, ({ to }) => to),
    outBits: Float64Array.from(back, ({ bits }) => bits),
  }
}

function offsets(lists: readonly (readonly unknown[])[]): Int32Array {
  const first = new Int32Array(lists.length + 1)
  for (const [at, { length }] of lists.entries()) first[at + 1] = first[at]! + length
  return first
}
