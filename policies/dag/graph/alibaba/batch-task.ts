import { policyError } from '../../../errors.ts'

/** A row of `batch_task.csv` of Alibaba's trace of 2018. */
export interface AlibabaTask {
  /** `task_name`, which says what it waits for. */
  readonly name: string
  /** `inst_num`: how many instances do its work. */
  readonly instances: number
  /** Seconds since the trace's begin; undefined where the trace has 0: outside its eight days. */
  readonly startS?: number
  readonly endS?: number
  /** Processor that one instance asks for; 100: a core. Undefined where the trace leaves it out. */
  readonly planCpu?: number
}

export interface AlibabaJob {
  readonly name: string
  readonly tasks: readonly AlibabaTask[]
}

/** The trace's columns, in the order of its rows. */
const columns = [
  'task_name',
  'inst_num',
  'job_name',
  'task_type',
  'status',
  'start_time',
  'end_time',
  'plan_cpu',
  'plan_mem',
] as const

/** Longest line that is read, characters. */
const MOST_CHARACTERS = 10_000

/**
 * Jobs of `batch_task.csv`, line by line: a `readline` interface, or a text's `split('\n')`. A job's rows need not follow each other
 * as long as fewer than `openJobs` others come between; jobs are given in the order of their first rows.
 *
 * @param openJobs jobs that are held at a time, default 64
 * @throws IsthmusError `BAD_TRACE` that names line and field
 */
export async function* alibabaJobs(
  lines: Iterable<string> | AsyncIterable<string>,
  { openJobs = 64 }: { readonly openJobs?: number } = {},
): AsyncGenerator<AlibabaJob, void, void> {
  if (!(openJobs >= 1)) throw policyError('BAD_OPTION', `alibabaJobs: openJobs is ${openJobs}`)
  const open = new Map<string, AlibabaTask[]>()
  let number = 0
  for await (const line of lines) {
    number++
    const row = rowOf(line, number)
    if (!row) continue
    const tasks = open.get(row.job)
    if (tasks) {
      tasks.push(row.task)
      continue
    }
    open.set(row.job, [row.task])
    if (open.size > openJobs) {
      const [first] = open as Iterable<[string, AlibabaTask[]]>
      open.delete(first![0])
      yield { name: first![0], tasks: first![1] }
    }
  }
  for (const [name, tasks] of open) yield { name, tasks }
}

function rowOf(line: string, number: number): { job: string; task: AlibabaTask } | undefined {
  const bad = (what: string) => policyError('BAD_TRACE', `batch_task.csv, line ${number}: ${what}`)
  if (typeof line !== 'string' || line.length > MOST_CHARACTERS) {
    throw bad(`it is no line of at most ${MOST_CHARACTERS} characters`)
  }
  const text = line.trim()
  if (text === '' || (number === 1 && text.startsWith(columns[0]))) return undefined
  const fields = text.split(',')
  if (fields.length !== columns.length) {
    throw bad(`there are ${fields.length} fields, not ${columns.length}: ${columns.join(', ')}`)
  }
  const numberAt = (column: (typeof columns)[number]): number | undefined => {
    const field = fields[columns.indexOf(column)]!
    if (field === '') return undefined
    if (!/^\d+(\.\d+)?$/.test(field)) throw bad(`${column} is "${field.slice(0, 100)}", no number`)
    return Number(field)
  }
  const [name, , job] = fields as [string, string, string]
  if (name === '') throw bad('task_name is empty')
  if (job === '') throw bad('job_name is empty')
  const instances = numberAt('inst_num')
  if (instances === undefined || !Number.isSafeInteger(instances)) throw bad('inst_num is no whole number')
  const [startS, endS, planCpu] = [numberAt('start_time'), numberAt('end_time'), numberAt('plan_cpu')]
  return {
    job,
    task: {
      name,
      instances,
      ...(startS && { startS }),
      ...(endS && { endS }),
      ...(planCpu !== undefined && { planCpu }),
    },
  }
}
