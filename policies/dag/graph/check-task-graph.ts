import { nearestNames } from '@isthmus/models/nearest-names'
import { z } from 'zod'
import { policyError } from '../../errors.ts'
import type { Task, TaskGraph } from './task-graph.ts'
import { topologicalOrder } from './topological-order.ts'

/** How large a graph may be. */
export interface GraphLimits {
  /** Most tasks. Default 10,000. */
  readonly maxTasks?: number
  /** Most dependencies in all. Default 1,000,000. */
  readonly maxDependencies?: number
}

/** Cycles and bits above this are refused: sums of them stay finite. */
const MOST = 1e18

/** Characters that break a line or are half of one: names go into messages and other files. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029]/u

const name = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => !UNPRINTABLE.test(text), 'it holds a control character')
const amount = z.number().min(0).max(MOST)
const dependency = z.strictObject({ task: name, bits: amount })
const task = z.strictObject({
  id: name,
  cycles: amount,
  inputBits: amount.optional(),
  outputBits: amount.optional(),
  divisible: z.boolean().optional(),
  after: z.array(z.unknown()).optional(),
})
const schema = z.strictObject({
  name: name.optional(),
  tasks: z.array(z.unknown()).min(1),
  deadlineS: z.number().positive().optional(),
})

/** Keys that an object may have, by how deep it lies in the path of a complaint: graph, task, dependency. */
const keys: Readonly<Record<number, readonly string[]>> = {
  0: Object.keys(schema.shape),
  2: Object.keys(task.shape),
  4: Object.keys(dependency.shape),
}

/**
 * Checks plain data, a stranger's JSON file say, and returns a graph of its own. Ids may be any text without control characters,
 * `__proto__` too, of 1 to 256 characters; cycles and bits are finite and from 0 to 10¹⁸.
 *
 * @throws IsthmusError that names task and field: `BAD_GRAPH` for a field that is wrong or unknown and for a task that waits
 * twice for the same, `GRAPH_DUPLICATE_TASK`, `GRAPH_UNKNOWN_TASK`, `GRAPH_CYCLE` for tasks that wait for themselves or each other
 */
export function checkTaskGraph(value: unknown, limits: GraphLimits = {}): TaskGraph {
  checkSize(value, limits)
  const { tasks, ...rest } = checked(schema, value, value, [])
  const graph: TaskGraph = { ...rest, tasks: tasks.map((each, at) => taskAt(value, each, at)) }
  for (const { id, after = [] } of graph.tasks) {
    const before = new Set<string>()
    for (const { task } of after) {
      if (before.has(task)) throw policyError('BAD_GRAPH', `graph: "${id}" waits twice for "${task}"`)
      before.add(task)
    }
  }
  topologicalOrder(graph)
  return graph
}

/** Counts before anything is copied. */
function checkSize(value: unknown, { maxTasks = 10_000, maxDependencies = 1_000_000 }: GraphLimits): void {
  const tasks = field(value, 'tasks')
  if (!Array.isArray(tasks)) return
  if (tasks.length > maxTasks) {
    throw policyError('BAD_GRAPH', `graph: tasks: there are ${tasks.length}; at most ${maxTasks} are taken`)
  }
  let dependencies = 0
  for (const task of tasks) {
    const after = field(task, 'after')
    if (Array.isArray(after)) dependencies += after.length
  }
  if (dependencies > maxDependencies) {
    throw policyError(
      'BAD_GRAPH',
      `graph: ${dependencies} dependencies; at most ${maxDependencies} are taken`,
    )
  }
}

function taskAt(graph: unknown, value: unknown, at: number): Task {
  const { after, ...rest } = checked(task, value, graph, ['tasks', at])
  if (!after) return rest
  return {
    ...rest,
    after: after.map((each, edge) => checked(dependency, each, graph, ['tasks', at, 'after', edge])),
  }
}

/** One part of a graph. Parts are checked one after the other: the first fault ends it, and of a million none is listed. */
function checked<Part>(part: z.ZodType<Part>, value: unknown, graph: unknown, path: PropertyKey[]): Part {
  const result = part.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw policyError('BAD_GRAPH', `graph: ${complaint(graph, { ...issue, path: [...path, ...issue.path] })}`)
}

function complaint(value: unknown, issue: z.core.$ZodIssue): string {
  const where = place(value, issue.path)
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!
    const [nearest] = nearestNames(key, keys[issue.path.length] ?? keys[0]!, 1)
    return `${where}there is no field "${key.slice(0, 100)}"; did you mean "${nearest}"?`
  }
  return `${where}${issue.message.replace(/^Invalid input: /, '')}`
}

/** `tasks[3] ("resize").cycles: `, the id where it is known. */
function place(value: unknown, path: readonly PropertyKey[]): string {
  if (path.length === 0) return ''
  let text = ''
  for (const [at, step] of path.entries()) {
    text += typeof step === 'number' ? `[${step}]` : `${text && '.'}${String(step)}`
    if (at !== 1 || typeof step !== 'number') continue
    const id = field((field(value, 'tasks') as unknown[])[step], 'id')
    if (typeof id === 'string') text += ` ("${id.slice(0, 100)}")`
  }
  return `${text}: `
}

const field = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
