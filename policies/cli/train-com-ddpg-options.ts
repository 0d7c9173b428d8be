import { parseArgs } from 'node:util'
import { oneOf, usageError, whole } from '@isthmus/models/cli'
import {
  type ComDdpgRecipe,
  checkRatio,
  defaultComDdpg,
  HIGHEST_COM_DDPG_SEED,
  parseComDdpg,
  quickComDdpg,
  type RoundProblemSpec,
  roundProblem,
} from '../com-ddpg/index.ts'
import { checkLearnerOptions, learnerOptions, recipeJson, seedOf } from './learner.ts'

export const comDdpgHelp = `Usage: isthmus-policies train com-ddpg --env NAME --out DIR [options]

Trains agents that decide at once, each on what it sees and on what the others tell it: one small network that all of them
share, for any number of agents. They begin as agents that look for their own best, and learn to choose as a central rule would
that knows everything. DIR gets agents.f32 and manifest.json, and a checkpoint at the end of each stage: the same command goes on
after the last stage that ended. Ctrl-C stops. The same recipe and seed give the same weights.

  --env NAME        dag: users whose graphs of tasks share a few servers, whose loads they know late
                    herding: many devices that choose among a few fogs in the same moment (Tang and Wong's system)
                    graph: one agent that plans one graph, task after task
  --out DIR         the agents' folder
  --users N         for dag: agents to train with (default 8)
  --servers N       for dag (default 4) and graph (default 3)
  --divisible SHARE for dag: share of tasks, 0 to 1, that can be divided between the user's device and a server (default 0); agents
                    then say for each server which part of the task goes there, too
  --communication C bidirectional, attention or none (default bidirectional; graph: none)
  --seed N          0 to ${HIGHEST_COM_DDPG_SEED}; default: the recipe's, else 1
  --threads N       threads of a learning step (default 1)
  --quick           seconds, for herding minutes: to see that it works, not to have good agents
  --recipe FILE     JSON with the numbers of the training; docs/training-agents.md says what each is. What it leaves out is as
                    by default; options on the command line count more

While it trains it shows the loss and, every ten rounds, the figure that is to be low (dag: mean latency of a job in s; herding:
share of tasks dropped; graph: cost) of the agents and of rules that need no learning, on the same episodes.

Examples:
  isthmus-policies train com-ddpg --env dag --quick --out ./quick
  isthmus-policies train com-ddpg --env dag --users 12 --servers 6 --out ./agents
  isthmus-policies train com-ddpg --env dag --divisible 1 --out ./dividing
  isthmus-policies train com-ddpg --env dag --communication none --out ./silent
  isthmus-policies evaluate ./agents --users 20

Exit code 1 when it was stopped or failed; the reason is one line.`

export const comDdpgOptions = {
  ...learnerOptions,
  users: { type: 'string' },
  servers: { type: 'string' },
  divisible: { type: 'string' },
  communication: { type: 'string' },
  threads: { type: 'string' },
} as const

/** What was asked of `isthmus-policies train com-ddpg`. */
export interface TrainComDdpgOptions {
  readonly out: string
  readonly threads: number
  readonly recipe: ComDdpgRecipe
}

/** Throws BAD_USAGE for what is missing or not of its form, and IsthmusError `BAD_RECIPE` or `BAD_OPTION`. */
export async function readComDdpgOptions(args: readonly string[]): Promise<TrainComDdpgOptions> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: comDdpgOptions,
  })
  const out = checkLearnerOptions(positionals, values)
  const given = values.recipe === undefined ? {} : parseComDdpg(await recipeJson(values.recipe))
  const problem = divisible(resized(problemOf(values.env, given.problem), values), values.divisible)
  const seed = values.seed === undefined ? (given.seed ?? 1) : seedOf(values.seed, HIGHEST_COM_DDPG_SEED)
  const communication =
    values.communication === undefined
      ? undefined
      : oneOf('communication', values.communication, ['bidirectional', 'attention', 'none'])
  if (problem.env === 'graph' && communication !== undefined && communication !== 'none') {
    throw usageError(`--communication ${communication}: a single agent has nobody to talk to.`)
  }
  // A problem that cannot be is better named before a folder is made for it.
  roundProblem(problem)
  const made = (values.quick ? quickComDdpg : defaultComDdpg)(problem, seed)
  const recipe = { ...made, ...given, problem, seed, ...(communication && { communication }) }
  checkRatio(recipe)
  return {
    out,
    threads: values.threads === undefined ? 1 : whole('threads', values.threads, 256),
    // The whole of it: what is given and what is not have to go together.
    recipe: parseComDdpg(recipe) as ComDdpgRecipe,
  }
}

function problemOf(env: string | undefined, inRecipe: RoundProblemSpec | undefined): RoundProblemSpec {
  if (env === undefined) {
    if (inRecipe) return inRecipe
    throw usageError('Say what to train for: --env dag, --env herding or --env graph.')
  }
  const chosen = oneOf('env', env, ['dag', 'herding', 'graph'])
  if (inRecipe && inRecipe.env !== chosen) {
    throw usageError(`--env ${chosen}: the recipe is for ${inRecipe.env}.`)
  }
  return inRecipe ?? { env: chosen }
}

function divisible(problem: RoundProblemSpec, text: string | undefined): RoundProblemSpec {
  if (text === undefined) return problem
  if (problem.env !== 'dag') throw usageError('--divisible is for --env dag.')
  const share = Number(text)
  if (text.trim() === '' || !(share >= 0 && share <= 1))
    throw usageError(`--divisible ${text}: give a share from 0 to 1, such as 1.`)
  return { ...problem, divisible: share }
}

/** The problem with as many users and servers as were asked for. Throws BAD_USAGE where it has none to be counted. */
export function resized(
  problem: RoundProblemSpec,
  { users, servers }: { users?: string | undefined; servers?: string | undefined },
): RoundProblemSpec {
  if (users !== undefined && problem.env !== 'dag') throw usageError('--users is for --env dag.')
  if (servers !== undefined && problem.env === 'herding') {
    throw usageError('--servers is for --env dag and --env graph.')
  }
  const most = problem.env === 'graph' ? 100 : 1000
  return {
    ...problem,
    ...(users !== undefined && { users: whole('users', users, most) }),
    ...(servers !== undefined && { servers: whole('servers', servers, most) }),
  }
}
