import type { Tensor } from '../runtime/index.ts'
import type { NormParameters } from './norm-parameters.ts'

/** What an adapter answers to a batch, before it has learned from it. */
export interface BatchAnswer {
  /** [rows, classes]. */
  readonly logits: Float32Array
  /** In nats, [rows]. */
  readonly entropy: Float32Array
  /** [rows]: 1 where the method learns from the image, or sends it to the one who does. */
  readonly selected: Uint8Array
}

/** A classifier that changes with what it sees, without labels. */
export interface Adapter {
  readonly method: string
  /** Answers a batch of images [rows, C, H, W], then learns from it. Blocks its thread while it computes. */
  answer(images: Tensor<'float32'>): Promise<BatchAnswer>
  /** What a network that answers single images would run with now. */
  parameters(): NormParameters
  /** Forgets all that it has learned. */
  reset(): void
  dispose(): Promise<void>
}
