import { oneOf, usageError } from '@isthmus/models/cli'
import { policyError } from '../errors.ts'
import { type Problem, type ProblemForm, type ProblemSpec, problemOf } from '../gmorl/index.ts'
import { readTraces, type TraceFile, type TraceFormat, traceFormats } from './trace-files.ts'

/** Options that say which problem it is, for parseArgs. */
export const problemOptions = {
  trace: { type: 'string', multiple: true },
  'held-out': { type: 'string', multiple: true },
  'trace-format': { type: 'string' },
} as const

/** What was given of them. */
export interface ProblemValues {
  readonly trace?: readonly string[] | undefined
  readonly 'held-out'?: readonly string[] | undefined
  readonly 'trace-format'?: string | undefined
}

/** A problem, as worker threads make their own, and as files hold it. */
export interface ChosenProblem {
  readonly problem: Problem
  readonly spec: ProblemSpec
  readonly form: ProblemForm
}

/** The form that `--env NAME` asks for, which has to agree with what a recipe says. */
export function formOf(env: string | undefined, inRecipe?: ProblemForm): ProblemForm {
  if (env === undefined) {
    if (inRecipe) return inRecipe
    throw usageError('Say what to train for: --env mec or --env split.')
  }
  const chosen = oneOf('env', env, ['mec', 'split'])
  if (inRecipe && inRecipe.env !== chosen) {
    throw usageError(`--env ${chosen}: the recipe is for ${inRecipe.env}.`)
  }
  return inRecipe ?? { env: chosen }
}

/** Makes the problem, with the links that were given. Throws BAD_USAGE, and IsthmusError `BAD_OPTION` or `BAD_TRACE`. */
export async function chooseProblem(form: ProblemForm, values: ProblemValues): Promise<ChosenProblem> {
  const format = values['trace-format']
  const traceFormat =
    format === undefined
      ? undefined
      : oneOf('trace-format', format, Object.keys(traceFormats) as TraceFormat[])
  if (form.env === 'mec') {
    if (values.trace || values['held-out']) throw usageError('--trace and --held-out are for --env split.')
    const spec = { ...form } as ProblemSpec
    return { problem: problemOf(spec), spec, form }
  }
  const traces = await readTraces(values.trace ?? [], traceFormat)
  const heldOut = await readTraces(values['held-out'] ?? [], traceFormat)
  const named = traces.map(({ file, sha256 }) => ({ file, sha256 }))
  if (form.traces && !isSame(form.traces, traces)) {
    throw usageError(
      `The recipe is for the links ${form.traces.map(({ file }) => file).join(', ')}: give these files with --trace.`,
    )
  }
  const { system } = form
  const shared = { env: 'split' as const, ...(system && { system }) }
  const spec = {
    ...shared,
    ...(traces.length > 0 && { traces: traces.map(({ trace }) => trace) }),
    ...(heldOut.length > 0 && { heldOut: heldOut.map(({ trace }) => trace) }),
  } as ProblemSpec
  return { problem: problemOf(spec), spec, form: { ...shared, ...(traces.length > 0 && { traces: named }) } }
}

const isSame = (wanted: readonly { sha256: string }[], given: readonly TraceFile[]): boolean =>
  wanted.length === given.length && wanted.every(({ sha256 }, at) => sha256 === given[at]!.sha256)

/** The problem to judge on: the systems that are named, `E=3` say, whether they were trained for or not. */
export function judgedOn(form: ProblemForm, systems: readonly string[]): ProblemForm {
  if (form.env === 'split') {
    // The links that it was trained on are not needed.
    const { traces: _, ...rest } = form
    return rest
  }
  if (systems.length === 0) return form
  const judged = systems.map((name) => {
    const edges = Number(/^E=(\d{1,3})$/.exec(name)?.[1] ?? Number.NaN)
    if (edges >= 1 && edges <= 255) return edges
    throw usageError(`--system ${name}: give E=1 to E=255, the number of edge servers.`)
  })
  return { ...form, judged }
}

/** Throws unless the problem has such judging systems; returns them, all where none is named. */
export function systemsOf(problem: Problem, named: readonly string[]): string[] {
  const all = [...problem.judging.keys()]
  const unknown = named.find((name) => !all.includes(name))
  if (unknown === undefined) return named.length > 0 ? [...named] : all
  throw policyError('BAD_OPTION', `system: "${unknown}" is none of ${all.join(', ')}`)
}
