import type { NormForward, NormParameters } from '@isthmus/models/adapt'
import type { Tensor } from '@isthmus/models/runtime'

/** A tail whose normalisation parameters come with each run: as many forms of it as there are, and one session. */
export class AdaptedTail {
  readonly #forward: NormForward

  private constructor(forward: NormForward) {
    this.#forward = forward
  }

  /** Undefined for a tail without normalisations. */
  static async open(tail: Uint8Array, intraOpThreads: number): Promise<AdaptedTail | undefined> {
    // What trains is loaded only where something adapts.
    const { NormForward, normLayoutOf, plainWeights } = await import('@isthmus/models/adapt')
    const { readModel } = await import('@isthmus/models/onnx')
    const model = plainWeights(readModel(tail))
    try {
      const layout = normLayoutOf(model)
      return new AdaptedTail(await NormForward.open(model, layout, 'running', intraOpThreads))
    } catch (error) {
      if ((error as { code?: unknown }).code === 'NO_NORMALISATION') return undefined
      throw error
    }
  }

  /** The network's first output. */
  run(latent: Tensor<'float32'>, parameters: NormParameters): Promise<Tensor<'float32'>> {
    return this.#forward.run(latent, parameters)
  }

  dispose(): Promise<void> {
    return this.#forward.dispose()
  }
}
