import { type AdaptableNetwork, lastStageLayers } from '../adaptable-network.ts'
import type { Adapter } from '../adapter.ts'
import type { Normalisation } from '../graph-with-norms.ts'
import type { AffineVectors } from '../norm-gradient.ts'
import { copyNormParameters, type NormParameters } from '../norm-parameters.ts'
import { type NormOptimizerSettings, normOptimizer } from '../optimizers.ts'
import { moveStatistics } from '../running-statistics.ts'
import { SelectiveGradients } from './gradients.ts'

export interface SarSettings {
  readonly optimizer: NormOptimizerSettings
  /** Radius of the step uphill before the slope is taken. */
  readonly radius: number
  /** Entropies at or above, in shares of ln(classes), are not learned from, before and after the step uphill. */
  readonly upperShare: number
  /** Starts over when the moving average of the entropy falls below this share of ln(classes): the answers have collapsed. */
  readonly collapseShare: number
  readonly normalisation: Normalisation
  readonly statisticsShare: number
}

/**
 * As its authors set it; their limit of collapse, 0.2 nats, was chosen for 1000 classes and is kept here as the same share of the
 * largest entropy.
 */
export const sar: SarSettings = {
  optimizer: { kind: 'sgd', rate: 1e-3, momentum: 0.9 },
  radius: 0.05,
  upperShare: 0.4,
  collapseShare: 0.2 / Math.log(1000),
  normalisation: 'batch',
  statisticsShare: 0.1,
}

const kinds = ['scale', 'shift'] as const
const AVERAGE_KEPT = 0.9

/** SAR (Niu et al. 2023): entropy of sure answers, minimised where it is flat; the last stage stays as it is. */
export function sarAdapter(network: AdaptableNetwork, settings: SarSettings = sar, threads = 1): Adapter {
  const { classes, layout, source } = network
  const gradients = new SelectiveGradients(network, settings.normalisation, threads)
  const optimizer = normOptimizer(settings.optimizer, layout.channels)
  const frozenFrom = layout.layers[layout.layers.length - lastStageLayers(network)]!.offset
  const selection = {
    upper: settings.upperShare * Math.log(classes),
    sharpness: 0,
    margin: 0,
    centre: undefined,
    similarity: 0,
  }
  let parameters = copyNormParameters(source)
  let average: number | undefined
  const reset = () => {
    parameters = copyNormParameters(source)
    optimizer.reset()
    average = undefined
  }
  return {
    method: 'sar',
    async answer(images) {
      const first = await gradients.run(images, parameters, selection)
      const { logits, entropy, selected } = first
      const answer = { logits, entropy, selected: Uint8Array.from(selected) }
      moveStatistics(parameters, first.moments, settings.statisticsShare)
      if (!selected.some((flag) => flag > 0)) return answer
      const uphill = climb(parameters, freeze(first.gradient, frozenFrom), settings.radius)
      const second = await gradients.run(images, uphill, { ...selection, allowed: selected })
      if (second.selected.some((flag) => flag > 0)) {
        optimizer.step(parameters, freeze(second.gradient, frozenFrom))
        average =
          average === undefined ? second.loss : AVERAGE_KEPT * average + (1 - AVERAGE_KEPT) * second.loss
      }
      if (average !== undefined && average < settings.collapseShare * Math.log(classes)) reset()
      return answer
    },
    parameters: () => copyNormParameters(parameters),
    reset,
    dispose: () => gradients.dispose(),
  }
}

function freeze(gradient: AffineVectors, from: number): AffineVectors {
  for (const kind of kinds) gradient[kind].fill(0, from)
  return gradient
}

/** The parameters a step of this length up the slope. */
function climb(parameters: NormParameters, slope: AffineVectors, radius: number): NormParameters {
  let square = 0
  for (const kind of kinds) for (const value of slope[kind]) square += value ** 2
  const factor = radius / (Math.sqrt(square) + 1e-12)
  const moved = (kind: 'scale' | 'shift') =>
    parameters[kind].map((value, at) => value + factor * slope[kind][at]!)
  return { ...parameters, scale: moved('scale'), shift: moved('shift') }
}
