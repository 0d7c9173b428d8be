import { optionChecks } from '../option-checks.ts'

export interface GuardOptions {
  readonly classes: number
  /** Answers after an adoption before the guard judges, and over which it judges. Default 128. */
  readonly window?: number
  /**
   * Entropy has collapsed when its mean falls below this share of what it was before. Default 0.15: adaptation may halve it, a network
   * that says the same to everything brings it to nearly nothing.
   */
  readonly entropyShare?: number
  /** The histogram has collapsed when one label holds more than this share of the answers … Default 0.8. */
  readonly labelShare?: number
  /** … and that label's share has grown by more than this since before the adoption. Default 0.3. */
  readonly labelGrowth?: number
}

export type Collapse = 'entropy-collapse' | 'label-collapse'

interface Tally {
  readonly labels: Float64Array
  entropy: number
  count: number
}

/**
 * Watches what a network answers after a patch against what it answered before. Without labels a collapse still shows: a network that has
 * lost its way says one label to everything, and is ever more sure of it.
 */
export class CollapseGuard {
  readonly #window: number
  readonly #entropyShare: number
  readonly #labelShare: number
  readonly #labelGrowth: number
  readonly #classes: number
  #before: Tally | undefined
  #now: Tally
  #watching = false

  /** Throws BAD_OPTION. */
  constructor(options: GuardOptions) {
    const { classes, window = 128, entropyShare = 0.15, labelShare = 0.8, labelGrowth = 0.3 } = options
    const check = optionChecks('collapse guard')
    check.integer('classes', classes, 2, 1e6)
    check.integer('window', window, 2, 1e6)
    check.within('entropyShare', entropyShare, 0, 1)
    check.within('labelShare', labelShare, 0, 1)
    check.within('labelGrowth', labelGrowth, 0, 1)
    this.#classes = classes
    this.#window = window
    this.#entropyShare = entropyShare
    this.#labelShare = labelShare
    this.#labelGrowth = labelGrowth
    this.#now = this.#empty()
  }

  /** Whether a version that was adopted is still on trial. */
  get onTrial(): boolean {
    return this.#watching
  }

  /** A patch is adopted: from now on answers are held against those before. */
  adopted(): void {
    // Where patches follow each other faster than a trial lasts, the trial goes on: else none would ever be judged.
    if (this.#watching) return
    this.#before = this.#now
    this.#watching = true
    this.#now = this.#empty()
  }

  /** The last adoption is taken back: what was before it counts again. */
  rolledBack(): void {
    this.#now = this.#before ?? this.#empty()
    this.#watching = false
  }

  /**
   * Counts an answer. Says what has collapsed, 'passed' when the window after an adoption is over without that, else nothing. Answers
   * before the first adoption are too few to compare with when there are fewer than half a window: then only a label that holds nearly
   * all answers counts.
   */
  add(entropy: number, label: number): Collapse | 'passed' | undefined {
    const now = this.#now
    now.count++
    now.entropy += entropy
    now.labels[label] = (now.labels[label] ?? 0) + 1
    if (!this.#watching) {
      if (now.count >= 2 * this.#window) halve(now)
      return undefined
    }
    if (now.count < this.#window) return undefined
    const collapse = this.#collapseOf(now)
    if (collapse) return collapse
    this.#watching = false
    return 'passed'
  }

  #collapseOf(now: Tally): Collapse | undefined {
    const before = this.#before
    const isKnown = before !== undefined && before.count >= this.#window / 2
    if (isKnown && now.entropy / now.count < this.#entropyShare * (before.entropy / before.count))
      return 'entropy-collapse'
    const most = now.labels.reduce((best, count, label) => (count > now.labels[best]! ? label : best), 0)
    const share = now.labels[most]! / now.count
    const was = isKnown ? before.labels[most]! / before.count : 1 / this.#classes
    return share > this.#labelShare && share - was > this.#labelGrowth ? 'label-collapse' : undefined
  }

  #empty(): Tally {
    return { labels: new Float64Array(this.#classes), entropy: 0, count: 0 }
  }
}

/** Old answers count less: those before an adoption are the latest ones. */
function halve(tally: Tally): void {
  tally.count /= 2
  tally.entropy /= 2
  for (let label = 0; label < tally.labels.length; label++) tally.labels[label]! /= 2
}
