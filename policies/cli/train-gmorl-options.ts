import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { whole } from '@isthmus/models/cli'
import {
  defaultRecipe,
  type GmorlRecipe,
  type Problem,
  parseRecipe,
  quickRecipe,
  type RecipeForm,
} from '../gmorl/index.ts'
import { checkLearnerOptions, learnerOptions, recipeJson, seedOf } from './learner.ts'
import { chooseProblem, formOf, problemOptions } from './problem-options.ts'

export const gmorlHelp = `Usage: isthmus-policies train gmorl --env NAME --out DIR [options]

Trains one small network that follows any preference between delay, energy (and errors). It begins as the problem's own
greedy rule and learns from a teacher that looks ahead. DIR gets policy.onnx and manifest.json, and a checkpoint at the
end of each stage: the same command goes on after the last stage that ended. Ctrl-C stops. The same recipe and seed give
the same weights, however many threads collect.

  --env NAME        mec: tasks of many users go to a cloud or to one of E edge servers (GMORL's system)
                    split: frames of one device, in a mode of a split network, on the device or at a server
  --out DIR         the policy's folder
  --seed N          default: the recipe's, else 1
  --collectors N    threads that play episodes while this one learns (default: all cores)
  --quick           a minute or so: to see that it works, not to have a good policy
  --recipe FILE     JSON with the numbers of the training; docs/training-policies.md says what each is

For --env split:
  --trace PATH      a recorded link to train on, or a folder of them; may be repeated (default: generated ones)
  --held-out PATH   links to judge progress on, which are not trained on
  --trace-format F  seconds-mbps, ms-kbps, mahimahi or 5g-csv (default: told from the file; two numbers a line are
                    seconds and Mbit/s)

Examples:
  isthmus-policies train gmorl --env mec --quick --out ./quick
  isthmus-policies train gmorl --env mec --out ./policy --seed 7
  isthmus-policies train gmorl --env split --trace ./traces --out ./mine

Exit code 1 when it was stopped or failed; the reason is one line.`

export const gmorlOptions = {
  ...learnerOptions,
  collectors: { type: 'string' },
  ...problemOptions,
} as const

/** What was asked of `isthmus-policies train gmorl`. */
export interface TrainGmorlOptions {
  readonly out: string
  readonly collectors: number
  readonly problem: Problem
  readonly recipe: GmorlRecipe
  /** The recipe as the manifest keeps it. */
  readonly form: RecipeForm
}

/** Throws BAD_USAGE for what is missing or not of its form, and IsthmusError `BAD_RECIPE`, `BAD_OPTION` or `BAD_TRACE`. */
export async function readGmorlOptions(args: readonly string[]): Promise<TrainGmorlOptions> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: gmorlOptions,
  })
  const out = checkLearnerOptions(positionals, values)
  const given = values.recipe === undefined ? undefined : parseRecipe(await recipeJson(values.recipe))
  const { problem, spec, form } = await chooseProblem(formOf(values.env, given?.problem), values)
  const seed = values.seed === undefined ? (given?.seed ?? 1) : seedOf(values.seed)
  const made = (values.quick ? quickRecipe : defaultRecipe)(spec, seed)
  const { hidden, stages } = given ?? made
  return {
    out,
    collectors:
      values.collectors === undefined ? availableParallelism() : whole('collectors', values.collectors, 256),
    problem,
    recipe: { problem: spec, seed, hidden, stages },
    form: parseRecipe({ problem: form, seed, hidden, stages }),
  }
}
