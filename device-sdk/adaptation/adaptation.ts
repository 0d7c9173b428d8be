import { answerEntropy, type Privacy } from '@isthmus/policies/upload'
import type { Message } from '@isthmus/proto'
import { topIndex } from '../guesses.ts'
import type { ModelVersion } from '../loaded-model.ts'
import type { PatchedRole } from './events.ts'
import type { AnswerObserver, GivenAnswer } from './observer.ts'
import type { PatchReceiver, PatchStats } from './patch-receiver.ts'
import type { Uploader, UploadStats } from './uploader.ts'

export interface AdaptationStats {
  readonly privacy: Privacy
  readonly uploads: UploadStats
  /** Of the models that patches can change; none without a key. */
  readonly patches: Readonly<Partial<Record<PatchedRole, PatchStats>>>
}

/** One model that takes patches, and where they come. */
export interface PatchedModel {
  readonly role: PatchedRole
  /** The family's name on the wire. */
  readonly family: number
  readonly topic: string
  readonly receiver: PatchReceiver
}

export interface AdaptationParts {
  readonly privacy: Privacy
  readonly outputKind: 'logits' | 'probabilities'
  readonly uploader: Uploader
  readonly models: readonly PatchedModel[]
  readonly isOnline: () => boolean
  /** Whether pictures that the server knows as latents alone are offered to it, too. Default false. */
  readonly offersSplit?: boolean
}

/** A device's part in adaptation: samples go out, patches come in. Nothing in it throws or keeps a frame waiting. */
export class Adaptation implements AnswerObserver {
  readonly #parts: AdaptationParts

  constructor(parts: AdaptationParts) {
    this.#parts = parts
  }

  /** Where patches come. */
  get topics(): string[] {
    return this.#parts.models.map(({ topic }) => topic)
  }

  get stats(): AdaptationStats {
    const { privacy, uploader, models } = this.#parts
    const patches = Object.fromEntries(models.map(({ role, receiver }) => [role, receiver.stats]))
    return { privacy, uploads: uploader.stats, patches }
  }

  /** Goes on with the last good versions. The models must be open. */
  async start(): Promise<void> {
    for (const { receiver } of this.#parts.models) await receiver.restore()
  }

  answered(answer: GivenAnswer): void {
    const { outputKind, uploader, offersSplit = false } = this.#parts
    const { role, version, output } = answer
    this.#receiver(role)?.answered(version, () => ({
      entropy: answerEntropy(output, outputKind).entropy,
      label: topIndex(output),
    }))
    // What the server has answered it has seen: as a latent, which nobody can teach by.
    if (role === 'local' || offersSplit) uploader.offer(answer)
  }

  mismatched(role: PatchedRole, version: ModelVersion): void {
    this.#receiver(role)?.mismatched(version)
  }

  broken(role: PatchedRole, version: ModelVersion): boolean {
    return this.#receiver(role)?.broken(version) ?? false
  }

  /** A message has come at one of the topics, or at the device's own. */
  onMessage({ body, payload }: Message): void {
    if (body.kind !== 'patch') return
    for (const { family, receiver } of this.#parts.models) if (family === body.family) receiver.take(payload)
  }

  /** To be called a few times a second. */
  tick(): void {
    const { uploader, models, isOnline } = this.#parts
    uploader.pump()
    for (const { receiver } of models) receiver.tick(isOnline())
  }

  async close(): Promise<void> {
    this.#parts.uploader.close()
    await Promise.all(this.#parts.models.map(({ receiver }) => receiver.close()))
  }

  #receiver(role: PatchedRole): PatchReceiver | undefined {
    return this.#parts.models.find((model) => model.role === role)?.receiver
  }
}
