import { policyError } from '../../errors.ts'
import { type DeepSeaTreasureProblemOptions, deepSeaTreasureProblem } from './deep-sea-treasure.ts'
import { type MecProblemOptions, mecProblem } from './mec.ts'
import type { Problem } from './problem.ts'
import { type SplitProblemOptions, splitProblem } from './split.ts'

/** Names a problem as plain data, so that every worker thread can make its own. */
export type ProblemSpec =
  | ({ readonly env: 'mec' } & MecProblemOptions)
  | ({ readonly env: 'split' } & SplitProblemOptions)
  | ({ readonly env: 'deep-sea-treasure' } & DeepSeaTreasureProblemOptions)

/** Throws IsthmusError `BAD_OPTION` for an environment that there is not, or one of more candidates than training takes. */
export function problemOf(spec: ProblemSpec): Problem {
  const problem = made(spec)
  if (problem.places <= MOST_PLACES) return problem
  throw policyError(
    'BAD_OPTION',
    `${problem.name}: ${problem.places} candidates in an observation; training takes up to ${MOST_PLACES}: give fewer servers or modes`,
  )
}

/** What is collected counts candidates in a byte. */
const MOST_PLACES = 255

function made(spec: ProblemSpec): Problem {
  switch (spec.env) {
    case 'mec':
      return mecProblem(spec) as Problem
    case 'split':
      return splitProblem(spec) as Problem
    case 'deep-sea-treasure':
      return deepSeaTreasureProblem(spec) as Problem
    default:
      throw policyError(
        'BAD_OPTION',
        `env is "${(spec as { env: string }).env}"; choose mec, split or deep-sea-treasure`,
      )
  }
}

export type { Heuristic } from './heuristic.ts'
export type { Problem } from './problem.ts'
