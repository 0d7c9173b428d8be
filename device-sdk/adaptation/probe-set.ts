import { topIndex } from '../guesses.ts'

/** A clean frame as the network takes it, and its class. */
export interface Probe {
  readonly input: Float32Array
  readonly label: number
}

/** Clean frames with known labels, against which a patch is tried before it is adopted. */
export class ProbeSet {
  readonly #probes: readonly Probe[]
  readonly #drop: number
  #base: number | undefined

  /** `drop`: how much smaller the share of right answers may be than that of the network as packed. */
  constructor(probes: readonly Probe[], drop: number) {
    this.#probes = probes
    this.#drop = drop
  }

  /** Tries the network as packed: what patches are held against. */
  async measureBase(run: (input: Float32Array) => Promise<Float32Array>): Promise<void> {
    this.#base = await this.#share(run)
  }

  /** Why a network is not good enough; undefined when it is. */
  async complaint(run: (input: Float32Array) => Promise<Float32Array>): Promise<string | undefined> {
    const share = await this.#share(run)
    const base = this.#base ?? 0
    if (share >= base - this.#drop) return undefined
    return `${percent(share)} of the probes are right, ${percent(base)} were as packed`
  }

  async #share(run: (input: Float32Array) => Promise<Float32Array>): Promise<number> {
    let right = 0
    for (const { input, label } of this.#probes) if (topIndex(await run(input)) === label) right++
    return right / this.#probes.length
  }
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
