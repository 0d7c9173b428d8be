import type { TrainingStep } from '@isthmus/models/autodiff'
import type { Tensor } from '@isthmus/models/runtime'

/** What a copy's weights are called in a graph: this, and the original's name. */
export const TARGET = 'target.'

/** A network that is copied: shape and first value of each weight. */
export interface CopiedNetwork {
  readonly dims: Readonly<Record<string, readonly number[]>>
  readonly weights: ReadonlyMap<string, Float32Array>
}

/** Copies of networks that follow them slowly (Polyak averaging), as feeds of a training step. */
export class SlowCopies {
  readonly feeds: Readonly<Record<string, Tensor<'float32'>>>
  readonly #share: number

  /**
   * @param networks by prefix
   * @param share by which a copy moves to its original at a step
   */
  constructor(networks: Readonly<Record<string, CopiedNetwork>>, share: number) {
    this.#share = share
    this.feeds = Object.fromEntries(
      Object.entries(networks).flatMap(([prefix, { dims: all, weights }]) =>
        Object.entries(all).map(([name, dims]) => [
          `${TARGET}${prefix}.${name}`,
          { dtype: 'float32' as const, dims, data: weights.get(name)!.slice() },
        ]),
      ),
    )
  }

  follow(parameters: ReturnType<TrainingStep['parameters']>): void {
    for (const [name, { data }] of Object.entries(this.feeds)) {
      const { bytes } = parameters.get(name.slice(TARGET.length))!
      const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
      for (let at = 0; at < data.length; at++) data[at]! += this.#share * (values[at]! - data[at]!)
    }
  }
}
