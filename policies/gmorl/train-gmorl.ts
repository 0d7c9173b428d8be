import { RandomStream } from '../env/index.ts'
import { policyError } from '../errors.ts'
import type { PolicyNetwork } from './collect/collector-jobs.ts'
import { Collectors } from './collect/collectors.ts'
import { runEnvelope } from './envelope/envelope-stage.ts'
import { runImitation } from './imitation/imitation-stage.ts'
import { cornerOf, volumeBelow } from './judge/front-figures.ts'
import type { Judged } from './judge/judge.ts'
import { initialWeights } from './network/set-network.ts'
import { type Problem, problemOf } from './problems/index.ts'
import type { GmorlProgress } from './progress.ts'
import type { GmorlRecipe, Stage } from './recipe/recipe.ts'
import { runSac } from './sac/sac-stage.ts'
import type { StageContext } from './stage.ts'

export interface GmorlTraining {
  readonly recipe: GmorlRecipe
  /** Threads that collect. Default 1; the policy does not depend on it. */
  readonly collectors?: number
  /** Threads of the learning step's operators. Default 1. */
  readonly threads?: number
  /** A training that ended a stage before: the stage to go on with, and the policy then. */
  readonly resume?: { readonly stage: number; readonly policy: PolicyNetwork }
  /** Called with the policy at the end of each stage, counted from 1. */
  readonly onStage?: (stagesDone: number, policy: PolicyNetwork) => Promise<void>
  readonly onProgress?: (progress: GmorlProgress) => void
  /** Rounds from one judgement to the next. Default 10. */
  readonly judgeEvery?: number
  readonly signal?: AbortSignal
}

/** Preferences and episodes of a judgement while training; the seeds are used for nothing else. */
const JUDGED_PREFERENCES = 101
const JUDGED_EPISODES = 10
const JUDGED_SEED = 3_000_000_000

/**
 * Trains a preference-conditioned policy (GMORL, arXiv 2509.10474, as a reconstruction): a network over sets of candidates that
 * begins as the problem's own rule, learns from a teacher that looks ahead, and from rewards by Discrete-SAC, as the recipe says.
 *
 * @throws IsthmusError `TRAINING_STOPPED` when aborted, `TRAINING_DIVERGED`, `COLLECTOR_DIED`, `BAD_OPTION`
 */
export async function trainGmorl(training: GmorlTraining): Promise<PolicyNetwork> {
  const { recipe, resume, signal, judgeEvery = 10 } = training
  const problem = problemOf(recipe.problem)
  const collectors = new Collectors(recipe.problem, training.collectors ?? 1)
  const judgement = new Judgement(problem, collectors)
  // Ends what is being collected or judged, and with it the wait for that.
  const stop = () => void collectors.dispose()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    let policy = resume?.policy ?? firstPolicy(recipe, problem)
    for (let at = resume?.stage ?? 0; at < recipe.stages.length; at++) {
      const stage = recipe.stages[at]!
      const name = `${stage.kind} (${at + 1} of ${recipe.stages.length})`
      policy = await runStage(stage, problem, collectors, policy, {
        seed: recipe.seed + 1000 * at,
        threads: training.threads ?? 1,
        checkAborted() {
          if (signal?.aborted) throw policyError('TRAINING_STOPPED', `stopped in stage ${at + 1}`)
        },
        async endOfRound(round, loss, network) {
          const due = judgeEvery > 0 && ((round + 1) % judgeEvery === 0 || round + 1 === stage.rounds)
          const hypervolume = due ? await judgement.of(network) : undefined
          training.onProgress?.({
            stage: name,
            round: round + 1,
            rounds: stage.rounds,
            loss,
            ...(hypervolume && { hypervolume }),
          })
        },
      })
      await training.onStage?.(at + 1, policy)
    }
    return policy
  } catch (error) {
    if (signal?.aborted) throw policyError('TRAINING_STOPPED', 'the training was stopped')
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
    await collectors.dispose()
  }
}

function runStage(
  stage: Stage,
  problem: Problem,
  collectors: Collectors,
  policy: PolicyNetwork,
  context: StageContext,
): Promise<PolicyNetwork> {
  switch (stage.kind) {
    case 'imitation':
      return runImitation(stage, problem, collectors, policy, context)
    case 'sac':
      return runSac(stage, problem, collectors, policy, context)
    case 'envelope':
      return runEnvelope(stage, problem, collectors, policy, context)
  }
}

function firstPolicy({ hidden, seed }: GmorlRecipe, { encoding }: Problem): PolicyNetwork {
  const { rowLength, contextLength } = encoding
  const shape = { rowLength, contextLength, hidden, outputs: 1 }
  return { shape, weights: initialWeights(shape, new RandomStream(seed), 1) }
}

/** The policy's front against the base rule's, on the same episodes. */
class Judgement {
  readonly #problem: Problem
  readonly #collectors: Collectors
  readonly #rule = new Map<string, Judged>()

  constructor(problem: Problem, collectors: Collectors) {
    this.#problem = problem
    this.#collectors = collectors
  }

  async of(policy: PolicyNetwork): Promise<Map<string, number>> {
    const systems = [...this.#problem.judging.keys()]
    await Promise.all(
      systems.map(async (system) => {
        if (!this.#rule.has(system)) this.#rule.set(system, await this.#front(system))
      }),
    )
    const fronts = await Promise.all(systems.map((system) => this.#front(system, policy)))
    return new Map(systems.map((system, at) => [system, tightRatio(fronts[at]!, this.#rule.get(system)!)]))
  }

  #front(system: string, policy?: PolicyNetwork): Promise<Judged> {
    const preferences = this.#problem.grid(JUDGED_PREFERENCES, new RandomStream(JUDGED_SEED))
    return this.#collectors.ask({
      kind: 'judge',
      options: { system, preferences, firstSeed: JUDGED_SEED, episodes: JUDGED_EPISODES },
      ...(policy && { policy }),
    })
  }
}

/** Hypervolume of one front over another's, with the worst of the other's values as reference (the tight rule). */
export function tightRatio(front: Judged, other: Judged): number {
  const reference = cornerOf(other)
  return volumeBelow(front, reference) / volumeBelow(other, reference)
}
