import { answerEntropy, type Privacy } from '@isthmus/policies/upload'
import type { Message } from '@isthmus/proto'
import { topIndex } from '../guesses.ts'
import type { ModelVersion } from '../loaded-model.ts'
import type { AdaptedModel } from './adapted-model.ts'
import type { PatchedRole } from './events.ts'
import type { AnswerObserver, GivenAnswer } from './observer.ts'
import { noStatistics, type OwnStatistics, type StatisticsStats } from './own-statistics.ts'
import type { PatchReceiver, PatchStats } from './patch-receiver.ts'
import type { Uploader, UploadStats } from './uploader.ts'

export interface AdaptationStats {
  readonly privacy: Privacy
  readonly uploads: UploadStats
  /** Of the models that patches can change; none without a key. */
  readonly patches: Readonly<Partial<Record<PatchedRole, PatchStats>>>
  /** Of the local network's own statistics; undefined where they are not wished. */
  readonly statistics: StatisticsStats | undefined
}

/** One model that changes, and what changes it. */
export interface ChangingModel {
  readonly role: PatchedRole
  readonly model: AdaptedModel
  /** Its patches, and where they come; undefined without a key. */
  readonly patches: PatchSource | undefined
}

export interface PatchSource {
  /** The family's name on the wire. */
  readonly family: number
  readonly topic: string
  readonly receiver: PatchReceiver
}

export interface AdaptationParts {
  readonly privacy: Privacy
  readonly outputKind: 'logits' | 'probabilities'
  readonly uploader: Uploader
  readonly models: readonly ChangingModel[]
  /** Of the local network; a text says why it has none. */
  readonly statistics?: OwnStatistics | string | undefined
  readonly isOnline: () => boolean
  /** Whether pictures that the server knows as latents alone are offered to it, too. Default false. */
  readonly offersSplit?: boolean
  /** Called when it is closed: no model will be opened any more. */
  readonly ended?: (() => Promise<unknown>) | undefined
}

/** A device's part in adaptation: samples go out, patches come in. Nothing in it throws or keeps a frame waiting. */
export class Adaptation implements AnswerObserver {
  readonly #parts: AdaptationParts

  constructor(parts: AdaptationParts) {
    this.#parts = parts
  }

  /** Where patches come. */
  get topics(): string[] {
    return this.#sources.map(({ topic }) => topic)
  }

  get stats(): AdaptationStats {
    const { privacy, uploader, models, statistics } = this.#parts
    const patches = Object.fromEntries(
      models.flatMap(({ role, patches }) => (patches ? [[role, patches.receiver.stats]] : [])),
    )
    const own = typeof statistics === 'string' ? { ...noStatistics, off: statistics } : statistics?.stats
    return { privacy, uploads: uploader.stats, patches, statistics: own }
  }

  /** Goes on with the last good versions. The models must be open. */
  async start(): Promise<void> {
    for (const { model } of this.#parts.models) await model.restore()
    this.#statistics?.restore()
  }

  answered(answer: GivenAnswer): void {
    const { outputKind, uploader, offersSplit = false } = this.#parts
    const { role, version, output, tensors } = answer
    const changing = this.#changing(role)
    changing?.patches?.receiver.matched()
    changing?.model.answered(version, () => ({
      entropy: answerEntropy(output, outputKind).entropy,
      label: topIndex(output),
    }))
    if (role === 'local') this.#statistics?.answered(tensors.input, output)
    // What the server has answered it has seen: as a latent, which nobody can teach by.
    if (role === 'local' || offersSplit) uploader.offer(answer)
  }

  mismatched(role: PatchedRole, version: ModelVersion): void {
    this.#changing(role)?.patches?.receiver.mismatched(version)
  }

  broken(role: PatchedRole, version: ModelVersion): boolean {
    return this.#changing(role)?.model.broken(version) ?? false
  }

  /** A message has come at one of the topics, or at the device's own. */
  onMessage({ body, payload }: Message): void {
    if (body.kind !== 'patch') return
    for (const { family, receiver } of this.#sources) if (family === body.family) receiver.take(payload)
  }

  /** To be called a few times a second. */
  tick(): void {
    const { uploader, isOnline } = this.#parts
    uploader.pump()
    this.#statistics?.tick()
    for (const { receiver } of this.#sources) receiver.tick(isOnline())
  }

  async close(): Promise<void> {
    const { uploader, models } = this.#parts
    uploader.close()
    await this.#statistics?.close()
    await Promise.all(this.#sources.map(({ receiver }) => receiver.close()))
    await Promise.all(models.map(({ model }) => model.close()))
    await this.#parts.ended?.()
  }

  get #statistics(): OwnStatistics | undefined {
    const { statistics } = this.#parts
    return typeof statistics === 'string' ? undefined : statistics
  }

  get #sources(): PatchSource[] {
    return this.#parts.models.flatMap(({ patches }) => patches ?? [])
  }

  #changing(role: PatchedRole): ChangingModel | undefined {
    return this.#parts.models.find((model) => model.role === role)
  }
}
