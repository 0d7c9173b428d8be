import type { Tensor } from '../../runtime/index.ts'
import type { AdaptableNetwork } from '../adaptable-network.ts'
import { ownClassLoss } from '../losses.ts'
import { type AffineVectors, NormGradient } from '../norm-gradient.ts'

const kinds = ['scale', 'shift'] as const

/** How much each scale and shift mattered for the answers to clean images (EATA; Kirkpatrick et al. 2017). */
export class FisherInformation {
  readonly diagonal: AffineVectors

  constructor(diagonal: AffineVectors) {
    this.diagonal = diagonal
  }

  /**
   * The mean over batches of the squared gradient of the cross-entropy with the network's own best class. Batches of 64 and 2,000
   * images in all are usual. All batches must be of one size.
   */
  static async measure(
    { model, layout, source, input, imageDims, classes }: AdaptableNetwork,
    batches: Iterable<Tensor<'float32'>>,
    threads = 1,
  ): Promise<FisherInformation> {
    const diagonal = { scale: new Float32Array(layout.channels), shift: new Float32Array(layout.channels) }
    let gradient: NormGradient | undefined
    let count = 0
    for (const images of batches) {
      const rows = images.dims[0]!
      gradient ??= await NormGradient.open(model, layout, {
        normalisation: 'batch',
        inputDims: { [input]: [rows, ...imageDims] },
        loss: (net) => ownClassLoss(net, rows, classes),
        threads,
      })
      const run = await gradient.run({ [input]: images }, source)
      for (const kind of kinds)
        for (let at = 0; at < layout.channels; at++) diagonal[kind][at]! += run.gradient[kind][at]! ** 2
      count++
    }
    await gradient?.dispose()
    for (const kind of kinds)
      for (let at = 0; at < layout.channels; at++) diagonal[kind][at]! /= Math.max(1, count)
    return new FisherInformation(diagonal)
  }

  /** Adds the slope of weight · Σ F (w − w₀)² to a gradient, in place. */
  pull(gradient: AffineVectors, now: AffineVectors, source: AffineVectors, weight: number): void {
    for (const kind of kinds) {
      const [slope, values, from, matter] = [gradient[kind], now[kind], source[kind], this.diagonal[kind]]
      for (let at = 0; at < slope.length; at++)
        slope[at]! += 2 * weight * matter[at]! * (values[at]! - from[at]!)
    }
  }
}
