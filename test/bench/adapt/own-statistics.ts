import {
  type AdaptableNetwork,
  doubtOf,
  LocalStatistics,
  type LocalStatisticsSettings,
  type Moments,
  type Moved,
  type NormForward,
  type NormParameters,
} from '@isthmus/models/adapt'
import type { Tensor } from '@isthmus/models/runtime'
import { answerEntropy } from '@isthmus/policies/upload'

/** Frames that a device takes moments of together, as the SDK has it: at the end of each, its statistics may change. */
export const PART = 16

/** A device's own statistics, taken from the frames it has answered as the SDK takes them. */
export class OwnStatistics {
  readonly #network: AdaptableNetwork
  readonly #byBatch: NormForward
  readonly #tracker: LocalStatistics

  /** `byBatch`: the network that normalises by batch; devices can share it. */
  constructor(
    network: AdaptableNetwork,
    byBatch: NormForward,
    settings: Partial<LocalStatisticsSettings> = {},
  ) {
    this.#network = network
    this.#byBatch = byBatch
    this.#tracker = new LocalStatistics(network.layout, network.source, settings)
  }

  /** Undefined where the network as packed fits, or is not known not to. */
  get moments(): Moments | undefined {
    const { held } = this.#tracker
    return typeof held === 'object' ? held : undefined
  }

  /** What the device answers with when it has these from the server. */
  parameters(patch: NormParameters): NormParameters {
    const { held } = this.#tracker
    if (held === undefined) return patch
    return held === 'packed' ? this.#network.source : { ...patch, ...held }
  }

  /** Takes frames in: a part of a round, with the entropies of the answers given to them, summed. */
  async take(images: Tensor, frames: number, entropy: number, patch: NormParameters): Promise<Moved> {
    const world = await this.#byBatch.runWithMoments(images, this.#network.source)
    const own = await this.#byBatch.runWithMoments(images, patch)
    const entropyOf = (output: Float32Array) => answerEntropy(output, 'logits').entropy
    const doubt = doubtOf(world.logits.data, frames, entropyOf, entropy)
    return this.#tracker.add(world.moments, own.moments, frames, doubt)
  }
}
