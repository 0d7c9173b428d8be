import { policyError } from '../../../errors.ts'

/** What a task's name in Alibaba's trace of 2018 says. */
export interface AlibabaName {
  /** Number of the task in its job; undefined: the task stands alone. */
  readonly number?: number
  /** Numbers of the tasks that it waits for, as they are written. */
  readonly after: readonly number[]
  /** Numbers behind `Stg`. The trace's notes do not say what they mean, and no task bears such a name. */
  readonly stages: readonly number[]
}

const NUMBERED = /^[A-Za-z]+(\d{1,9})((?:_(?:Stg)?\d{1,9})*)$/

/**
 * Takes a task's name apart by the rule of cluster-trace-v2018 (trace_2018.md, 2.3): letters mean nothing, the first number is the
 * task's own, those behind `_` are the tasks that it waits for: `M5_3_4` is task 5 and waits for 3 and 4. `J2_1_Stg3` waits for 1
 * alone: `Stg` numbers name no task. Names that begin with `task_` and those without a digit, `MergeTask`, stand alone.
 *
 * @throws IsthmusError `BAD_GRAPH` for a name with digits of another form, one that was cut off behind `_` say
 */
export function parseAlibabaName(name: string): AlibabaName {
  if (name.startsWith('task_') || (name !== '' && !/\d/.test(name))) return { after: [], stages: [] }
  const match = NUMBERED.exec(name)
  if (!match) {
    const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name
    throw policyError('BAD_GRAPH', `task name "${shown}": it is not of the form M5_3_4`)
  }
  const after: number[] = []
  const stages: number[] = []
  for (const part of match[2]!.split('_').slice(1)) {
    if (part.startsWith('Stg')) stages.push(Number(part.slice(3)))
    else after.push(Number(part))
  }
  return { number: Number(match[1]), after, stages }
}
