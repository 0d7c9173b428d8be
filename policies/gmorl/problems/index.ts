import { policyError } from '../../errors.ts'
import { type MecProblemOptions, mecProblem } from './mec.ts'
import type { Problem } from './problem.ts'
import { type SplitProblemOptions, splitProblem } from './split.ts'

/** Names a problem as plain data, so that every worker thread can make its own. */
export type ProblemSpec =
  | ({ readonly env: 'mec' } & MecProblemOptions)
  | ({ readonly env: 'split' } & SplitProblemOptions)

/** Throws IsthmusError `BAD_OPTION` for an environment that there is not. */
export function problemOf(spec: ProblemSpec): Problem {
  switch (spec.env) {
    case 'mec':
      return mecProblem(spec) as Problem
    case 'split':
      return splitProblem(spec) as Problem
    default:
      throw policyError('BAD_OPTION', `env is "${(spec as { env: string }).env}"; choose mec or split`)
  }
}

export type { Heuristic } from './heuristic.ts'
export type { Problem } from './problem.ts'
