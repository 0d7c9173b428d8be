import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { oneFile, usageError, whole } from '@isthmus/models/cli'
import { type ProblemValues, problemOptions } from './problem-options.ts'

/** First seed of what is played; no training uses it, nor those after it. */
export const FIRST_SEED = '4000000000'

/** Options of `evaluate` for a policy that follows preferences, for parseArgs. */
const { 'held-out': _, ...traceOptions } = problemOptions
export const evaluateFrontOptions = {
  system: { type: 'string' },
  points: { type: 'string', default: '201' },
  seeds: { type: 'string', default: '10' },
  episodes: { type: 'string', default: '100' },
  'first-seed': { type: 'string', default: FIRST_SEED },
  against: { type: 'string', default: 'all' },
  'roll-out': { type: 'boolean', default: false },
  collectors: { type: 'string' },
  svg: { type: 'string' },
  json: { type: 'boolean', default: false },
  ...traceOptions,
} as const

/** What was asked of `isthmus-policies evaluate` with such a policy. */
export interface EvaluateFrontOptions {
  readonly folder: string
  readonly systems: readonly string[]
  readonly points: number
  readonly sets: number
  readonly episodes: number
  readonly firstSeed: number
  /** Undefined: all that are not slow. */
  readonly against: readonly string[] | undefined
  readonly rollOut: boolean
  readonly collectors: number
  readonly svg: string | undefined
  readonly json: boolean
  readonly traces: ProblemValues
}

/** Throws BAD_USAGE for anything that is missing or not of its form. */
export function readEvaluateFrontOptions(args: readonly string[]): EvaluateFrontOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: evaluateFrontOptions,
  })
  const { against } = values
  return {
    folder: oneFile(positionals, "policy's folder"),
    systems: values.system === undefined ? [] : listOf(values.system),
    points: twoOrMore('points', values.points, 100_000),
    sets: twoOrMore('seeds', values.seeds, 100_000),
    episodes: whole('episodes', values.episodes, 1_000_000),
    firstSeed: whole('first-seed', values['first-seed'], 2 ** 52),
    against: against === 'all' ? undefined : against === 'none' ? [] : listOf(against),
    rollOut: values['roll-out'],
    collectors:
      values.collectors === undefined ? availableParallelism() : whole('collectors', values.collectors, 256),
    svg: values.svg,
    json: values.json,
    traces: { 'held-out': values.trace, 'trace-format': values['trace-format'] },
  }
}

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** The value of an option that takes a whole number from 2 to `most`. */
export function twoOrMore(option: string, text: string, most: number): number {
  const number = whole(option, text, most)
  if (number >= 2) return number
  throw usageError(`--${option} ${text}: give 2 or more.`)
}
