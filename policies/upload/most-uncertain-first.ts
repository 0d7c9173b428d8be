import { optionChecks } from '../option-checks.ts'
import type { SeenSample, UploadSelector, Verdict } from './selector.ts'

export interface MostUncertainOptions {
  /** The share of frames that are sent when the budget allows: those of highest entropy. Default 0.3. */
  readonly share?: number
  /** Frames that a new one is ranked among. Default 256. */
  readonly window?: number
}

/**
 * Sends what the network is least sure of, the most uncertain first: the opposite end from CEMA, which holds such answers for
 * unreliable. As U-VPA ranks frames (Gan et al., CVPR 2023), for servers whose teacher is much stronger than the device's network.
 */
export class MostUncertainFirst implements UploadSelector {
  readonly name = 'most-uncertain-first'
  readonly #share: number
  readonly #recent: Float64Array
  #seen = 0

  /** Throws BAD_OPTION. */
  constructor({ share = 0.3, window = 256 }: MostUncertainOptions = {}) {
    const check = optionChecks('most-uncertain-first')
    check.within('share', share, 1e-6, 1)
    check.integer('window', window, 1, 65_536)
    this.#share = share
    this.#recent = new Float64Array(window)
  }

  judge({ entropy }: SeenSample): Verdict {
    const rival = Math.min(this.#seen, this.#recent.length)
    let above = 0
    for (let at = 0; at < rival; at++) if (this.#recent[at]! > entropy) above++
    this.#recent[this.#seen++ % this.#recent.length] = entropy
    return above < this.#share * (rival + 1)
      ? { upload: true, worth: entropy }
      : { upload: false, why: 'ranked-out' }
  }
}
