import { policyError } from '../../errors.ts'
import { type MecProblemOptions, mecProblem } from './mec.ts'
import type { Problem } from './problem.ts'

/** Names a problem as plain data, so that every worker thread can make its own. */
export type ProblemSpec = { readonly env: 'mec' } & MecProblemOptions

/** Throws IsthmusError `BAD_OPTION` for an environment that there is not. */
export function problemOf(spec: ProblemSpec): Problem {
  switch (spec.env) {
    case 'mec':
      return mecProblem(spec) as Problem
    default:
      throw policyError('BAD_OPTION', `env is "${(spec as { env: string }).env}"; choose mec`)
  }
}

export type { Problem } from './problem.ts'
export { mecProblem }
