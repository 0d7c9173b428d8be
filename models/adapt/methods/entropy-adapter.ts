import type { AdaptableNetwork } from '../adaptable-network.ts'
import type { Adapter } from '../adapter.ts'
import { softmaxInto } from '../entropy.ts'
import { adaptError } from '../errors.ts'
import type { Normalisation } from '../graph-with-norms.ts'
import { copyNormParameters } from '../norm-parameters.ts'
import { type NormOptimizerSettings, normOptimizer } from '../optimizers.ts'
import { moveStatistics } from '../running-statistics.ts'
import type { FisherInformation } from './fisher.ts'
import { SelectiveGradients } from './gradients.ts'

/** A method that lowers the entropy of its own answers, in numbers. */
export interface EntropySettings {
  readonly method: string
  readonly optimizer: NormOptimizerSettings
  /** Entropies at or above, in shares of ln(classes), are not learned from. */
  readonly upperShare: number
  /** Answers whose cosine with the usual answer is not below are not learned from. Infinity: all are. */
  readonly similarity: number
  /** 1: a row weighs exp(upper − entropy). 0: all weigh the same. */
  readonly sharpness: 0 | 1
  /** Weight of the pull back to the source. 0: none. */
  readonly fisherWeight: number
  readonly normalisation: Normalisation
  /** How far the running statistics move with each batch. */
  readonly statisticsShare: number
}

const adam: NormOptimizerSettings = { kind: 'adam', rate: 1e-3 }

/** Tent (Wang et al. 2021), as its authors set it for CIFAR-10. */
export const tent: EntropySettings = {
  method: 'tent',
  optimizer: adam,
  upperShare: Number.POSITIVE_INFINITY,
  similarity: Number.POSITIVE_INFINITY,
  sharpness: 0,
  fisherWeight: 0,
  normalisation: 'batch',
  statisticsShare: 0.1,
}

/** ETA (Niu et al. 2022): only sure and unusual answers count. Similarity as the maintained benchmarks set it for ten classes. */
export const eta: EntropySettings = { ...tent, method: 'eta', upperShare: 0.4, similarity: 0.4, sharpness: 1 }

/** EATA: ETA, and what mattered on clean images is held fast. */
export const eata: EntropySettings = { ...eta, method: 'eata', fisherWeight: 1 }

const USUAL_KEPT = 0.9

/**
 * Answers batches and lowers the entropy of those answers by one step each.
 *
 * @param fisher what mattered on clean images; needed when `fisherWeight` is not 0
 * @throws NO_FISHER when it is needed and not given
 */
export function entropyAdapter(
  network: AdaptableNetwork,
  settings: EntropySettings,
  fisher?: FisherInformation,
  threads = 1,
): Adapter {
  const { classes, layout, source } = network
  if (settings.fisherWeight > 0 && !fisher)
    throw adaptError('NO_FISHER', `Method ${settings.method} has nothing to hold fast`)
  const gradients = new SelectiveGradients(network, settings.normalisation, threads)
  const optimizer = normOptimizer(settings.optimizer, layout.channels)
  const margin = settings.sharpness === 0 ? 0 : settings.upperShare * Math.log(classes)
  let parameters = copyNormParameters(source)
  let usual: Float32Array | undefined
  return {
    method: settings.method,
    async answer(images) {
      const run = await gradients.run(images, parameters, {
        upper: settings.upperShare * Math.log(classes),
        sharpness: settings.sharpness,
        margin,
        centre: Number.isFinite(settings.similarity) ? usual : undefined,
        similarity: settings.similarity,
      })
      const { logits, entropy, selected, gradient, moments } = run
      if (selected.some((flag) => flag > 0)) {
        if (fisher && settings.fisherWeight > 0)
          fisher.pull(gradient, parameters, source, settings.fisherWeight)
        optimizer.step(parameters, gradient)
        usual = usualAnswer(usual, logits, selected, classes)
      }
      moveStatistics(parameters, moments, settings.statisticsShare)
      return { logits, entropy, selected: Uint8Array.from(selected) }
    },
    parameters: () => copyNormParameters(parameters),
    reset() {
      parameters = copyNormParameters(source)
      optimizer.reset()
      usual = undefined
    },
    dispose: () => gradients.dispose(),
  }
}

/** The moving average of the mean answer to the rows that count. */
function usualAnswer(
  before: Float32Array | undefined,
  logits: Float32Array,
  selected: Float32Array,
  classes: number,
): Float32Array {
  const mean = new Float32Array(classes)
  const row = new Float32Array(classes)
  const count = selected.reduce((sum, flag) => sum + flag, 0)
  selected.forEach((flag, at) => {
    if (flag === 0) return
    softmaxInto(row, logits, at * classes)
    for (let index = 0; index < classes; index++) mean[index]! += row[index]! / count
  })
  return before ? before.map((value, index) => USUAL_KEPT * value + (1 - USUAL_KEPT) * mean[index]!) : mean
}
