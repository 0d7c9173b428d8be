import type { AdaptableNetwork } from '../adaptable-network.ts'
import { NormForward } from '../norm-forward.ts'
import type { GradientRun } from '../norm-gradient.ts'
import { copyNormParameters, type NormParameters } from '../norm-parameters.ts'
import { type NormOptimizer, normOptimizer, type OptimizerState } from '../optimizers.ts'
import { moveStatistics } from '../running-statistics.ts'

/** Where a network stands in its learning: plain data. */
export interface LearningState {
  readonly parameters: NormParameters
  readonly optimizer: OptimizerState
  readonly steps: number
}

/** A network's parameters on the way, and the rule by which gradients move them. */
export class LearningNetwork {
  readonly network: AdaptableNetwork
  parameters: NormParameters
  steps: number
  readonly #optimizer: NormOptimizer
  readonly #share: number

  constructor(
    network: AdaptableNetwork,
    settings: { rate: number; momentum: number; statisticsShare: number },
    state?: LearningState,
  ) {
    this.network = network
    this.parameters = copyNormParameters(state?.parameters ?? network.source)
    this.steps = state?.steps ?? 0
    this.#share = settings.statisticsShare
    this.#optimizer = normOptimizer(
      { kind: 'sgd', rate: settings.rate, momentum: settings.momentum },
      network.layout.channels,
      state && structuredClone(state.optimizer),
    )
  }

  learn({ gradient, moments }: GradientRun): void {
    this.#optimizer.step(this.parameters, gradient)
    moveStatistics(this.parameters, moments, this.#share)
    this.steps++
  }

  /** Forgets the running statistics for those of one batch. */
  async startFrom(images: Parameters<NormForward['run']>[0], threads: number): Promise<void> {
    const { model, layout } = this.network
    const forward = await NormForward.open(model, layout, 'batch', threads)
    const { moments } = await forward.runWithMoments(images, this.parameters)
    await forward.dispose()
    this.parameters = { ...this.parameters, ...moments }
  }

  state(): LearningState {
    return {
      parameters: copyNormParameters(this.parameters),
      optimizer: structuredClone(this.#optimizer.state),
      steps: this.steps,
    }
  }
}
