import type { Tensor } from '../../runtime/index.ts'
import type { AdaptableNetwork } from '../adaptable-network.ts'
import { distillationLoss } from '../losses.ts'
import { type GradientRun, NormGradient } from '../norm-gradient.ts'
import type { NormParameters } from '../norm-parameters.ts'
import { LearningNetwork } from './learning-network.ts'
import type { CemaSettings } from './settings.ts'

/** The gradient of the distillation loss for batches of `rows`. */
export function distillationGradient(
  network: AdaptableNetwork,
  rows: number,
  { loss, marginShare }: CemaSettings,
  options: { threads?: number; spinning?: boolean } = {},
): Promise<NormGradient> {
  const { model, layout, input, imageDims, classes } = network
  return NormGradient.open(model, layout, {
    normalisation: 'running',
    inputDims: { [input]: [rows, ...imageDims] },
    loss: (net) => distillationLoss(net, rows, classes, { ...loss, margin: marginShare * Math.log(classes) }),
    ...options,
  })
}

/** A student that is taught batch by batch, by whoever has its teacher's logits. */
export class StudentStep {
  readonly #student: LearningNetwork
  readonly #gradient: NormGradient

  private constructor(student: LearningNetwork, gradient: NormGradient) {
    this.#student = student
    this.#gradient = gradient
  }

  static async open(
    network: AdaptableNetwork,
    rows: number,
    settings: CemaSettings,
    options: { threads?: number; spinning?: boolean } = {},
  ): Promise<StudentStep> {
    const { studentRate: rate, momentum, statisticsShare } = settings
    return new StudentStep(
      new LearningNetwork(network, { rate, momentum, statisticsShare }),
      await distillationGradient(network, rows, settings, options),
    )
  }

  /** One step on images [rows, C, H, W] with the teacher's logits [rows, classes]; its loss. */
  async run(images: Tensor<'float32'>, teacher: Tensor<'float32'>): Promise<number> {
    const { network, parameters } = this.#student
    const run: GradientRun = await this.#gradient.run({ [network.input]: images, teacher }, parameters)
    this.#student.learn(run)
    return run.loss
  }

  parameters(): NormParameters {
    return this.#student.parameters
  }

  dispose(): Promise<void> {
    return this.#gradient.dispose()
  }
}
