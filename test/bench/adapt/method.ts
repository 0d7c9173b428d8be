import type { BatchAnswer, NormParameters } from '@isthmus/models/adapt'
import type { Tensor } from '@isthmus/models/runtime'

/** A way to answer a stream that changes, as the suite plays it. */
export interface Method {
  readonly name: string
  /** Images that it answers at a time: what its authors use. */
  readonly batch: number
  /** How often its parameters have changed so far. */
  readonly version: number
  answer(images: Tensor<'float32'>, pixels: readonly Uint8Array[]): Promise<BatchAnswer>
  parameters(): NormParameters
  dispose(): Promise<void>
}
