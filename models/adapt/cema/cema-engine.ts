import { seededRandom } from '../../data/index.ts'
import type { Model } from '../../onnx/index.ts'
import type { Tensor } from '../../runtime/index.ts'
import { type AdaptableNetwork, adaptableNetwork } from '../adaptable-network.ts'
import { adaptError } from '../errors.ts'
import { SelectiveGradients } from '../methods/gradients.ts'
import { NormForward } from '../norm-forward.ts'
import type { BatchMoments, NormGradient } from '../norm-gradient.ts'
import { checkNormParameters, copyNormParameters, type NormParameters } from '../norm-parameters.ts'
import { pixelReader } from '../pixels.ts'
import { LearningNetwork, type LearningState } from './learning-network.ts'
import { SampleStore } from './sample-store.ts'
import { type CemaSettings, cemaSettings } from './settings.ts'
import { distillationGradient } from './student-step.ts'

export interface CemaOptions {
  /** The devices' network. */
  readonly student: Model
  /** The strong network that teaches it: the same classes, the same images. */
  readonly foundation: Model
  /** How pixels / 255 become inputs, by channel. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly settings?: Partial<CemaSettings>
  /** Threads of an operator. Default 1. */
  readonly threads?: number
  /** Where another engine stopped. */
  readonly state?: CemaState
}

/** Everything that a step depends on, as plain data: an engine opened with it goes on as if it had never stopped. */
export interface CemaState {
  readonly student: LearningState
  readonly foundation: LearningState
  readonly queue: readonly Uint8Array[]
  readonly store: readonly Uint8Array[]
  readonly storeNext: number
  /** Steps done, those from the store alone included. */
  readonly ticks: number
}

/** What a step did. */
export interface TickReport {
  /** New uploads learned from: a batch, or 0 for a step from the store alone. */
  readonly fresh: number
  /** Rows of the student's batch. */
  readonly rows: number
  readonly foundationLoss: number | undefined
  readonly studentLoss: number
}

/**
 * The server's half of CEMA (Chen et al. 2024): the foundation lowers the entropy of its answers to the uploads, then teaches the
 * student on them and on earlier ones. Both change only in their normalisations. A step blocks its thread: give an engine one of
 * its own.
 */
export class CemaEngine {
  readonly settings: CemaSettings
  readonly #options: CemaOptions
  readonly #student: LearningNetwork
  readonly #foundation: LearningNetwork
  readonly #teaching: NormForward
  readonly #sharpening: SelectiveGradients
  readonly #distilling = new Map<number, NormGradient>()
  readonly #store: SampleStore
  readonly #read: ReturnType<typeof pixelReader>
  #queue: Uint8Array[]
  #ticks: number

  private constructor(
    options: CemaOptions,
    settings: CemaSettings,
    [student, foundation]: readonly [AdaptableNetwork, AdaptableNetwork],
    teaching: NormForward,
  ) {
    const { state, threads = 1 } = options
    const { momentum, statisticsShare, studentRate, foundationRate } = settings
    this.settings = settings
    this.#options = options
    this.#student = new LearningNetwork(
      student,
      { rate: studentRate, momentum, statisticsShare },
      state?.student,
    )
    this.#foundation = new LearningNetwork(
      foundation,
      { rate: foundationRate, momentum, statisticsShare },
      state?.foundation,
    )
    this.#teaching = teaching
    this.#sharpening = new SelectiveGradients(foundation, 'running', threads)
    this.#store = new SampleStore(settings.replayLimit, state?.store, state?.storeNext)
    this.#queue = [...(state?.queue ?? [])]
    this.#ticks = state?.ticks ?? 0
    this.#read = pixelReader(student.imageDims, options.mean, options.std)
  }

  /** Throws NO_NORMALISATION, or NORM_MISMATCH when the two networks do not take the same images or know the same classes. */
  static async open(options: CemaOptions): Promise<CemaEngine> {
    const [student, foundation] = [adaptableNetwork(options.student), adaptableNetwork(options.foundation)]
    if (String(student.imageDims) !== String(foundation.imageDims) || student.classes !== foundation.classes)
      throw adaptError(
        'NORM_MISMATCH',
        `The student takes [${student.imageDims}] and knows ${student.classes} classes, the foundation [${foundation.imageDims}] and ${foundation.classes}`,
      )
    const teaching = await NormForward.open(foundation.model, foundation.layout, 'running', options.threads)
    const settings = { ...cemaSettings, ...options.settings }
    return new CemaEngine(options, settings, [student, foundation], teaching)
  }

  /** Uploads that wait for a step. */
  get queued(): number {
    return this.#queue.length
  }

  /** Takes an upload: planar RGB, [C, H, W]. Throws NORM_MISMATCH for another size. */
  add(pixels: Uint8Array): void {
    this.#read.check(pixels)
    this.#queue.push(pixels)
  }

  /**
   * Takes the running statistics of both networks from these images and forgets the source's: what a first batch does under a shift that
   * began at once.
   */
  async startFrom(samples: readonly Uint8Array[]): Promise<void> {
    const threads = this.#options.threads ?? 1
    for (const learner of [this.#foundation, this.#student])
      await learner.startFrom(this.#read.batch(samples, learner.network), threads)
  }

  /**
   * Takes the devices' own running statistics for the student's: they have seen every frame, uploads are a choice of them.
   * Throws NORM_MISMATCH or NORM_NOT_FINITE, and then nothing has changed.
   */
  useStatistics({ mean, variance }: BatchMoments): void {
    const { parameters } = this.#student
    checkNormParameters({ ...parameters, mean, variance }, this.#student.network.layout)
    parameters.mean.set(mean)
    parameters.variance.set(variance)
  }

  /** One step, when there are uploads for it; one from the store alone, when it is full enough; else undefined. */
  async tick(): Promise<TickReport | undefined> {
    const { batch, replayPerNew, replayFrom } = this.settings
    if (this.#queue.length < batch) {
      if (this.#store.size <= replayFrom) return undefined
      const rows = batch * (1 + replayPerNew)
      return { fresh: 0, foundationLoss: undefined, ...(await this.#distil(this.#draw(rows))) }
    }
    const fresh = this.#queue.splice(0, batch)
    const images = this.#read.batch(fresh, this.#student.network)
    if (this.#ticks === 0 && this.settings.statisticsFrom === 'first-batch') await this.startFrom(fresh)
    const foundationLoss = await this.#sharpen(images)
    const replayed = this.#store.size < replayFrom ? [] : this.#draw(batch * replayPerNew)
    for (const sample of fresh) this.#store.add(sample)
    return { fresh: batch, foundationLoss, ...(await this.#distil([...fresh, ...replayed])) }
  }

  /** Of the student, as it is now. */
  parameters(): NormParameters {
    return copyNormParameters(this.#student.parameters)
  }

  state(): CemaState {
    return {
      student: this.#student.state(),
      foundation: this.#foundation.state(),
      queue: [...this.#queue],
      store: [...this.#store.samples],
      storeNext: this.#store.next,
      ticks: this.#ticks,
    }
  }

  async dispose(): Promise<void> {
    await this.#teaching.dispose()
    await this.#sharpening.dispose()
    for (const gradient of this.#distilling.values()) await gradient.dispose()
  }

  #draw(count: number): Uint8Array[] {
    return this.#store.draw(Math.min(count, this.#store.size), seededRandom(this.settings.seed, this.#ticks))
  }

  async #sharpen(images: Tensor<'float32'>): Promise<number> {
    const { network, parameters } = this.#foundation
    const run = await this.#sharpening.run(images, parameters, {
      upper: Number.POSITIVE_INFINITY,
      sharpness: 1,
      margin: this.#margin(network),
      centre: undefined,
      similarity: 0,
    })
    this.#foundation.learn(run)
    return run.loss
  }

  async #distil(samples: readonly Uint8Array[]) {
    const { network, parameters } = this.#student
    const images = this.#read.batch(samples, network)
    const teacher = await this.#teaching.run(images, this.#foundation.parameters)
    const gradient = await this.#gradientFor(samples.length)
    const run = await gradient.run({ [network.input]: images, teacher }, parameters)
    this.#student.learn(run)
    this.#ticks++
    return { rows: samples.length, studentLoss: run.loss }
  }

  async #gradientFor(rows: number): Promise<NormGradient> {
    const known = this.#distilling.get(rows)
    if (known) return known
    const { network } = this.#student
    const gradient = await distillationGradient(network, rows, this.settings, {
      threads: this.#options.threads ?? 1,
    })
    this.#distilling.set(rows, gradient)
    return gradient
  }

  #margin({ classes }: AdaptableNetwork): number {
    return this.settings.marginShare * Math.log(classes)
  }
}
