import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { oneFile, usageError, whole } from '@isthmus/models/cli'
import { type ProblemValues, problemOptions } from './problem-options.ts'

export const evaluateHelp = `Usage: isthmus-policies evaluate DIR [options]

Plays a policy and simple rules on the same episodes under the same preferences, and says how their fronts compare: the
hypervolume with its reference point, and over greedy's, with a 95 % bootstrap interval over the seed sets in pairs.

  --system LIST     systems to play on, such as E=3 or E=1,E=7 (default: those that training is judged on)
  --points N        preferences on the front, from the one end to the other (default 201)
  --seeds N         seed sets, 2 or more (default 10)
  --episodes N      episodes of a seed set (default 100)
  --first-seed N    (default 4000000000, which no training uses)
  --against LIST    rules beside greedy: all (the default), none, or some by name: "least work,static mix"
  --roll-out        the roll-out planner as well, where there is one: far slower than all others together
  --collectors N    threads (default: all cores)
  --svg FILE        draw the fronts
  --json            the same as JSON, fronts included

For a policy of env split:
  --trace PATH      a recorded link to play on, or a folder of them; may be repeated (default: generated ones)
  --trace-format F  seconds-mbps, ms-kbps, mahimahi or 5g-csv

Examples:
  isthmus-policies evaluate ./policy --system E=3 --episodes 20 --points 51
  isthmus-policies evaluate ./policy --svg fronts.svg
  isthmus-policies evaluate ./policy --system E=2,E=7 --against none --json

The tight reference is greedy's own corner in each seed set, so greedy's ends count nothing; the loose one is fixed.`

/** What was asked of `isthmus-policies evaluate`. */
export interface EvaluateOptions {
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
export function readEvaluateOptions(args: readonly string[]): EvaluateOptions {
  const text = { type: 'string' } as const
  const { 'held-out': _, ...traceOptions } = problemOptions
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      system: text,
      points: { type: 'string', default: '201' },
      seeds: { type: 'string', default: '10' },
      episodes: { type: 'string', default: '100' },
      'first-seed': { type: 'string', default: '4000000000' },
      against: { type: 'string', default: 'all' },
      'roll-out': { type: 'boolean', default: false },
      collectors: text,
      svg: text,
      json: { type: 'boolean', default: false },
      ...traceOptions,
    },
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

function twoOrMore(option: string, text: string, most: number): number {
  const number = whole(option, text, most)
  if (number >= 2) return number
  throw usageError(`--${option} ${text}: give 2 or more.`)
}
