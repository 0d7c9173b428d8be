import { optionChecks } from '../option-checks.ts'
import { DiversityFilter } from './diversity-filter.ts'
import { EntropyThreshold, type ThresholdOptions } from './entropy-threshold.ts'
import type { SeenSample, UploadSelector, Verdict } from './selector.ts'

export interface CemaSelectorOptions extends ThresholdOptions {
  /** E_min in multiples of ln(classes); 0: none. Default 0.02. */
  readonly lowest?: number
  /** Where set, answers must also be unlike those sent before: |cos| below this. */
  readonly diversity?: number
}

/**
 * A sample is worth its way when E_min < H < E_max(t), both strictly: above E_max the answer is unreliable, below E_min the network knows
 * it already. All are worth the same, so that they go in their order. (CEMA, Chen et al., ICLR 2024, section 3.1.)
 */
export class CemaSelector implements UploadSelector {
  readonly name: string
  readonly threshold: EntropyThreshold
  /** E_min in nats. */
  readonly lowest: number
  readonly #diversity: DiversityFilter | undefined

  /** Throws BAD_OPTION. */
  constructor(options: CemaSelectorOptions, name = 'cema') {
    const { lowest = 0.02, diversity, ...threshold } = options
    this.name = name
    this.threshold = new EntropyThreshold(threshold)
    const check = optionChecks('upload rule')
    check.within('lowest', lowest, 0, threshold.highest ?? 0.4)
    this.lowest = lowest === 0 ? Number.NEGATIVE_INFINITY : lowest * Math.log(options.classes)
    if (diversity === undefined) return
    check.within('diversity', diversity, 0, 1)
    this.#diversity = new DiversityFilter(diversity)
  }

  judge({ entropy, probabilities }: SeenSample): Verdict {
    this.threshold.add(entropy)
    if (!(entropy < this.threshold.value)) return { upload: false, why: 'unreliable' }
    if (!(entropy > this.lowest)) return { upload: false, why: 'certain' }
    if (this.#diversity?.keep([probabilities])[0] === false) return { upload: false, why: 'similar' }
    return { upload: true, worth: 0 }
  }
}

/** The rules of the paper: E_min = 0.02 ln C, E_max(0) = 0.4 ln C, moving with the mean entropy. */
export const cemaSelector = (classes: number, options: Omit<CemaSelectorOptions, 'classes'> = {}) =>
  new CemaSelector({ classes, ...options })

/** Up to this many classes answers are much alike, and a narrow margin would keep nothing. */
const FEW_CLASSES = 100

/** What the released code of CEMA does instead: no E_min, a fixed E_max, and the diversity filter of EATA. */
export const cemaReleaseSelector = (classes: number) =>
  new CemaSelector(
    {
      classes,
      lowest: 0,
      highest: 0.4,
      warmUp: Number.POSITIVE_INFINITY,
      diversity: classes <= FEW_CLASSES ? 0.4 : 0.05,
    },
    'cema-release',
  )
