import { StepRunner } from '@isthmus/models/train'
import { SlowCopies } from '../../slow-copy.ts'
import type { PolicyNetwork } from '../collect/collector-jobs.ts'
import { weightDims, weightsOf } from '../network/set-network.ts'
import type { TransitionBatch } from '../play/replay-buffer.ts'
import { compileSac, type SacNetworks, type SacOptions, sacOptimizer } from './discrete-sac.ts'

export interface SacLearnerOptions extends SacOptions {
  /** Transitions of an update, and places for candidates in each. */
  readonly batch: number
  readonly places: number
  /** Share by which the target critics move to the critics at an update (Polyak averaging). */
  readonly targetRate: number
  /** Threads of an operator. Default 1. */
  readonly threads?: number
  /** Let threads that wait for work spin. Default false. */
  readonly spinning?: boolean
}

/** Discrete-SAC, an update at a time. */
export class SacLearner {
  readonly #options: SacLearnerOptions
  readonly #networks: SacNetworks
  readonly #slow: SlowCopies
  #runner: StepRunner

  private constructor(networks: SacNetworks, options: SacLearnerOptions, runner: StepRunner) {
    this.#networks = networks
    this.#options = options
    this.#runner = runner
    const [critic1, critic2] = networks.critics
    const dims = weightDims(networks.critic)
    this.#slow = new SlowCopies(
      { critic1: { dims, weights: critic1 }, critic2: { dims, weights: critic2 } },
      options.targetRate,
    )
  }

  static async open(networks: SacNetworks, options: SacLearnerOptions): Promise<SacLearner> {
    return new SacLearner(networks, options, await openRunner(networks, options))
  }

  /** Updates so far. */
  get updates(): number {
    return this.#runner.stepsDone
  }

  /** One update of critics, actor and target critics. Returns the critics' loss and the entropy as a share of its greatest. */
  async update(
    batch: TransitionBatch,
    rate: number,
  ): Promise<{ criticLoss: number; entropy: number; loss: number }> {
    const result = await this.#runner.run({ ...batch, ...this.#slow.feeds }, rate)
    this.#slow.follow(this.#runner.step.parameters(this.#runner.state))
    const one = (name: string) => result[name]!.data[0] as number
    return { criticLoss: one('criticLoss'), entropy: one('entropy'), loss: one('loss') }
  }

  policy(): PolicyNetwork {
    const { shape } = this.#networks.actor
    return { shape, weights: weightsOf(this.#runner.step.parameters(this.#runner.state), 'actor') }
  }

  /** Goes on with another share of the critics' rate for the actor. */
  async setActorRate(actorRate: number): Promise<void> {
    const { state, stepsDone } = this.#runner
    await this.#runner.dispose()
    this.#runner = await openRunner(
      this.#networks,
      { ...this.#options, actorRate },
      { start: state, stepsDone },
    )
  }

  dispose(): Promise<void> {
    return this.#runner.dispose()
  }
}

const openRunner = (
  networks: SacNetworks,
  options: SacLearnerOptions,
  from: { start?: Record<string, Float32Array>; stepsDone?: number } = {},
): Promise<StepRunner> =>
  StepRunner.open(compileSac(networks, options.batch, options.places, options), {
    optimizer: sacOptimizer,
    threads: options.threads ?? 1,
    spinning: options.spinning ?? false,
    ...from,
  })
