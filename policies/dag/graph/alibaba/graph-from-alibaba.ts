import { policyError } from '../../../errors.ts'
import { optionChecks } from '../../../option-checks.ts'
import { checkTaskGraph, type GraphLimits } from '../check-task-graph.ts'
import type { Dependency, Task, TaskGraph } from '../task-graph.ts'
import type { AlibabaTask } from './batch-task.ts'
import { type AlibabaName, parseAlibabaName } from './task-name.ts'

/** How rows become cycles and bits. */
export interface AlibabaOptions extends GraphLimits {
  readonly name?: string
  /** Cycles of a core in a second. Default 2.5e9; the trace does not name its processors. */
  readonly coreCyclesPerS?: number
  /** Work of all instances (default), or of one: what a task would be if its data were cut down to one instance's share. */
  readonly instances?: 'all' | 'one'
  /** Seconds of a task whose start or end the trace lacks. Default: such a task is refused. */
  readonly unknownDurationS?: number
  /** Bits from a task to one that waits for it: the trace says nothing of data. Default 0. */
  readonly edgeBits?: number | ((from: AlibabaTask, to: AlibabaTask) => number)
}

const checks = optionChecks('graphFromAlibaba')

/**
 * The graph of a job of Alibaba's trace of 2018. Edges are what the tasks' names say (`parseAlibabaName`); ids are the names.
 *
 * cycles = (end − start) · plan_cpu / 100 · coreCyclesPerS · instances: what was set aside for the task, which bounds what it used
 * from above, since instances need not all run all the time. A missing plan_cpu counts 100, the commonest. start is when the
 * task was registered, not when it began to compute (the trace's authors, alibaba/clusterdata issue 56).
 *
 * @throws IsthmusError: `BAD_GRAPH` for a name that cannot be read, times that are missing or turned round and a predecessor named
 *   twice, `GRAPH_DUPLICATE_TASK` for a number or name that comes twice, `GRAPH_UNKNOWN_TASK` for a predecessor that the job
 *   lacks, `GRAPH_CYCLE`. The trace holds jobs with cycles, perhaps since long names were cut off (issue 136).
 */
export function graphFromAlibaba(rows: readonly AlibabaTask[], options: AlibabaOptions = {}): TaskGraph {
  const { name, coreCyclesPerS = 2.5e9, instances = 'all', unknownDurationS, edgeBits = 0 } = options
  checks.within('coreCyclesPerS', coreCyclesPerS, 1, 1e15)
  checks.oneOf('instances', instances, ['all', 'one'])
  if (unknownDurationS !== undefined) checks.within('unknownDurationS', unknownDurationS, 0, 1e9)
  const named = rows.map((row) => ({ row, name: parseAlibabaName(row.name) }))
  const byNumber = numbered(named)
  const tasks = named.map(({ row, name: { number, after } }): Task => {
    const waitsFor = after.map((wanted): Dependency => {
      const from = byNumber.get(wanted)
      if (!from) {
        throw policyError(
          'GRAPH_UNKNOWN_TASK',
          `job: "${row.name}" waits for task ${wanted}, which is no task`,
        )
      }
      if (wanted === number) throw policyError('GRAPH_CYCLE', `job: "${row.name}" waits for itself`)
      return { task: from.name, bits: typeof edgeBits === 'number' ? edgeBits : edgeBits(from, row) }
    })
    const count = instances === 'all' ? row.instances : 1
    const cores = (row.planCpu ?? 100) / 100
    const cycles = durationOf(row, unknownDurationS) * cores * coreCyclesPerS * count
    return { id: row.name, cycles, ...(waitsFor.length > 0 && { after: waitsFor }) }
  })
  return checkTaskGraph({ ...(name !== undefined && { name }), tasks }, options)
}

function numbered(
  rows: readonly { readonly row: AlibabaTask; readonly name: AlibabaName }[],
): Map<number, AlibabaTask> {
  const byNumber = new Map<number, AlibabaTask>()
  for (const { row, name } of rows) {
    if (name.number === undefined) continue
    const other = byNumber.get(name.number)
    if (other) {
      const both = `"${other.name}" and "${row.name}"`
      throw policyError('GRAPH_DUPLICATE_TASK', `job: ${both} are both task ${name.number}`)
    }
    byNumber.set(name.number, row)
  }
  return byNumber
}

function durationOf({ name, startS, endS }: AlibabaTask, unknownS: number | undefined): number {
  if (startS !== undefined && endS !== undefined) {
    if (endS >= startS) return endS - startS
    throw policyError('BAD_GRAPH', `job: "${name}" ends at ${endS} s, before it starts at ${startS} s`)
  }
  if (unknownS !== undefined) return unknownS
  const lacking = startS === undefined ? 'start' : 'end'
  throw policyError('BAD_GRAPH', `job: "${name}" has no ${lacking}; give unknownDurationS to take it`)
}
