import { policyError } from '../../errors.ts'
import type { TaskGraph } from './task-graph.ts'

/** Names of a cycle that a message holds. */
const MOST_NAMED = 20

/**
 * Indices of the tasks in an order in which none comes before one that it waits for, else as they are listed (Kahn 1962).
 * Throws IsthmusError `GRAPH_CYCLE` that names the tasks of a cycle (of a long one the first and the last), `GRAPH_UNKNOWN_TASK` and `GRAPH_DUPLICATE_TASK`.
 */
export function topologicalOrder({ tasks }: TaskGraph): number[] {
  const index = new Map<string, number>()
  for (const [at, { id }] of tasks.entries()) {
    if (index.has(id)) {
      throw policyError('GRAPH_DUPLICATE_TASK', `graph: two tasks are called "${id}"`)
    }
    index.set(id, at)
  }
  const followers: number[][] = tasks.map(() => [])
  const waits = tasks.map(() => 0)
  for (const [at, { id, after = [] }] of tasks.entries()) {
    for (const { task } of after) {
      const from = index.get(task)
      if (from === undefined) {
        throw policyError('GRAPH_UNKNOWN_TASK', `graph: "${id}" waits for "${task}", which is no task`)
      }
      followers[from]!.push(at)
      waits[at]!++
    }
  }
  const order: number[] = []
  const ready = waits.flatMap((count, at) => (count === 0 ? [at] : []))
  for (let next = 0; next < ready.length; next++) {
    order.push(ready[next]!)
    for (const at of followers[ready[next]!]!) if (--waits[at]! === 0) ready.push(at)
  }
  if (order.length < tasks.length) {
    const cycle = findCycle(tasks, index, new Set(order))
    const named = cycle.length <= MOST_NAMED ? cycle : [...cycle.slice(0, MOST_NAMED - 1), '…', cycle.at(-1)!]
    throw policyError('GRAPH_CYCLE', `graph: these tasks wait for each other: ${named.join(' → ')}`)
  }
  return order
}

/** Walks from waiting task to the one that it waits for until one comes again. */
function findCycle(
  tasks: TaskGraph['tasks'],
  index: ReadonlyMap<string, number>,
  done: ReadonlySet<number>,
): string[] {
  const path: number[] = []
  let at = tasks.findIndex((_, each) => !done.has(each))
  while (!path.includes(at)) {
    path.push(at)
    const before: number[] = (tasks[at]!.after ?? []).map(({ task }) => index.get(task)!)
    at = before.find((each) => !done.has(each))!
  }
  const cycle = path.slice(path.indexOf(at)).reverse()
  return [...cycle, cycle[0]!].map((each) => tasks[each]!.id)
}
