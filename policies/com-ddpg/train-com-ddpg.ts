import { RandomStream } from '../env/index.ts'
import { policyError } from '../errors.ts'
import { type ActorShape, initialActor } from './actor-shape.ts'
import type { AgentsNetwork } from './agents-network.ts'
import { runDdpg } from './ddpg-stage.ts'
import { runImitation } from './imitation-stage.ts'
import { type RoundProblem, roundProblem } from './problems.ts'
import { type ComDdpgRecipe, checkRatio } from './recipe.ts'
import type { ComDdpgContext } from './stage.ts'

/** How a training is going, after each round. */
export interface ComDdpgProgress {
  /** Such as `imitation (1 of 2)`. */
  readonly stage: string
  readonly round: number
  readonly rounds: number
  readonly loss: number
  /** Mean of the problem's figure for the agents, and for rules that need no learning. Every few rounds. */
  readonly judged?: {
    readonly figure: string
    readonly agents: number
    readonly rules: Readonly<Record<string, number>>
  }
}

export interface ComDdpgTraining {
  readonly recipe: ComDdpgRecipe
  /** Threads of the learning step's operators. Default 1. */
  readonly threads?: number
  /** A training that ended a stage before: the stage to go on with, and the agents then. */
  readonly resume?: { readonly stage: number; readonly agents: AgentsNetwork }
  /** Called with the agents at the end of each stage, counted from 1. */
  readonly onStage?: (stagesDone: number, agents: AgentsNetwork) => Promise<void>
  readonly onProgress?: (progress: ComDdpgProgress) => void
  /** Rounds from one judgement to the next. Default 10. */
  readonly judgeEvery?: number
  readonly signal?: AbortSignal
}

/** Episodes of a judgement while training; the seeds are used for nothing else. */
const JUDGED_EPISODES = 10
const JUDGED_SEED = 3_000_000_000

/**
 * Trains agents that talk: a Com-DDPG-style reconstruction of arXiv 2012.05105, whose text was not available beyond its abstract.
 * They begin as agents that look for their own best, learn from a central rule with full information, and from costs by
 * deep deterministic policy gradient, as the recipe says.
 *
 * @throws IsthmusError `TRAINING_STOPPED` when aborted, `TRAINING_DIVERGED`, `BAD_OPTION`
 */
export async function trainComDdpg(training: ComDdpgTraining): Promise<AgentsNetwork> {
  const { recipe, resume, signal, judgeEvery = 10 } = training
  const problem = roundProblem(recipe.problem)
  const judge = judgementOf(problem)
  let agents = resume?.agents ?? firstAgents(recipe, problem)
  for (let at = resume?.stage ?? 0; at < recipe.stages.length; at++) {
    const stage = recipe.stages[at]!
    const name = `${stage.kind} (${at + 1} of ${recipe.stages.length})`
    const context: ComDdpgContext = {
      problem,
      sequence: {
        steps: recipe.length,
        sequences: recipe.sequences,
        agents: problem.agents,
        places: problem.places,
      },
      burnIn: recipe.burnIn,
      messageLoss: recipe.messageLoss,
      seed: recipe.seed + 1000 * at,
      threads: training.threads ?? 1,
      checkAborted() {
        if (signal?.aborted) throw policyError('TRAINING_STOPPED', `stopped in stage ${at + 1}`)
      },
      async endOfRound(round, loss, now) {
        const due = judgeEvery > 0 && ((round + 1) % judgeEvery === 0 || round + 1 === stage.rounds)
        training.onProgress?.({
          stage: name,
          round: round + 1,
          rounds: stage.rounds,
          loss,
          ...(due && { judged: judge(now) }),
        })
      },
    }
    agents =
      stage.kind === 'imitation'
        ? await runImitation(stage, agents, context)
        : await runDdpg(stage, agents, context)
    await training.onStage?.(at + 1, agents)
  }
  return agents
}

function firstAgents(recipe: ComDdpgRecipe, { row, agents }: RoundProblem): AgentsNetwork {
  const { communication, seed } = recipe
  if (agents === 1 && communication !== 'none') {
    throw policyError(
      'BAD_OPTION',
      `communication is ${communication}, but a single agent has nobody to talk to; choose none`,
    )
  }
  checkRatio(recipe)
  const shape = shapeOf(recipe, row)
  return { shape, weights: initialActor(shape, new RandomStream(seed)) }
}

/** Shape of a recipe's agents, whose rows have so many numbers. */
export const shapeOf = (
  { hidden, message, heard, communication, ratio }: ComDdpgRecipe,
  row: number,
): ActorShape => ({ row, hidden, message, heard, communication, ...(ratio && { ratio }) })

function judgementOf(
  problem: RoundProblem,
): (agents: AgentsNetwork) => NonNullable<ComDdpgProgress['judged']> {
  const of = (who: AgentsNetwork | string) => problem.judge(who, JUDGED_SEED, JUDGED_EPISODES)
  let rules: Readonly<Record<string, number>> | undefined
  return (agents) => {
    rules ??= Object.fromEntries(problem.rules.map((rule) => [rule, of(rule)]))
    return { figure: problem.figure, agents: of(agents), rules }
  }
}
