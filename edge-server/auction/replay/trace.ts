import { edgeError } from '../../errors.ts'

/** A task of the Google cluster trace of 2011: what was asked for. Amounts are shares of the largest machine. */
export interface TraceTask {
  readonly job: string
  readonly user: string
  /** 0 (batch) … 3 (answers to people). */
  readonly schedulingClass: number
  /** 0 … 1; the trace has 0 to 11. */
  readonly priority: number
  readonly cpu: number
  readonly memory: number
}

const COLUMNS = ['job', 'user', 'scheduling_class', 'priority', 'cpu', 'memory'] as const
const LARGEST_PRIORITY = 11

/** Reads tasks from CSV text with a heading. Tasks that ask for nothing are left out. Throws `BAD_MARKET` for a line that makes no sense. */
export function parseTraceTasks(csv: string): TraceTask[] {
  const [heading = '', ...lines] = csv.split('\n')
  const names = heading.trim().split(',')
  const at = COLUMNS.map((column) => names.indexOf(column))
  const missing = COLUMNS.find((_, column) => at[column]! < 0)
  if (missing !== undefined) throw edgeError('BAD_MARKET', `The trace has no column ${missing}`)
  const tasks: TraceTask[] = []
  for (const [number, line] of lines.entries()) {
    if (line.trim() === '') continue
    const fields = line.split(',')
    const [job, user, ...numbers] = at.map((column) => fields[column])
    const [schedulingClass, priority, cpu, memory] = numbers.map(Number)
    const isShare = (value: number | undefined) => value !== undefined && value >= 0 && value <= 1
    const isUpTo = (value: number | undefined, most: number) =>
      value !== undefined && Number.isInteger(value) && value >= 0 && value <= most
    if (
      !job ||
      !user ||
      !isUpTo(schedulingClass, 3) ||
      !isUpTo(priority, LARGEST_PRIORITY) ||
      !isShare(cpu) ||
      !isShare(memory)
    ) {
      throw edgeError('BAD_MARKET', `Line ${number + 2} of the trace is no task: ${line.slice(0, 80)}`)
    }
    if (cpu! + memory! === 0) continue
    tasks.push({
      job,
      user,
      schedulingClass: schedulingClass!,
      priority: priority! / LARGEST_PRIORITY,
      cpu: cpu!,
      memory: memory!,
    })
  }
  return tasks
}
