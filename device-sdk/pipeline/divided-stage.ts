import { joinRows, type StageArray, type Wiring } from '@isthmus/models/pipeline'
import type { StageTime } from './answer.ts'

/** Rows of a stage that the device runs at once: `from` … `to` − 1; both 0: all of a stage that is not divided. */
export interface StagePart {
  readonly from: number
  readonly to: number
  /** Of the whole stage's work. */
  readonly share: number
}

export const WHOLE: StagePart = { from: 0, to: 0, share: 1 }

/** One part's outputs, by tensor number, and where they came from. */
interface Made {
  readonly arrays: ReadonlyMap<number, StageArray>
  readonly host: StageTime['host']
  readonly ms: number
}

/**
 * A stage of a run whose rows are divided: the first go to the server, the device runs the rest at the same time. What the server
 * does not give, the device runs, too.
 */
export class DividedStage {
  readonly stage: number
  readonly #wiring: Wiring
  readonly #all: number
  readonly #there: number
  #first: Made | undefined
  #rest: Made | undefined

  /** @param there rows for the server */
  constructor(wiring: Wiring, stage: number, there: number) {
    this.stage = stage
    this.#wiring = wiring
    this.#all = wiring.stages[stage]!.division!.rows
    this.#there = there
  }

  get serverShare(): number {
    return this.#there / this.#all
  }

  /** Whether the device's own rows are done. */
  get hasOwn(): boolean {
    return this.#rest !== undefined
  }

  /** Share of the work that nobody has done yet. */
  get left(): number {
    return (this.#first ? 0 : this.serverShare) + (this.#rest ? 0 : 1 - this.serverShare)
  }

  /** What the device runs next; `alone`: the server is not waited for any more. */
  next(alone: boolean): StagePart {
    const [there, all] = [this.#there, this.#all]
    if (this.#rest) return { from: 0, to: there, share: this.serverShare }
    return alone && !this.#first ? WHOLE : { from: there, to: all, share: 1 - this.serverShare }
  }

  serverGave(arrays: readonly StageArray[], outputs: readonly number[], ms: number): void {
    this.#first ??= {
      arrays: new Map(outputs.map((tensor, at) => [tensor, arrays[at]!])),
      host: 'edge',
      ms,
    }
  }

  deviceGave(from: number, arrays: readonly StageArray[], ms: number): void {
    const { outputs } = this.#wiring.stages[this.stage]!
    const made: Made = {
      arrays: new Map(outputs.map(({ number }, at) => [number, arrays[at]!])),
      host: 'device',
      ms,
    }
    if (from > 0) this.#rest ??= made
    else this.#first ??= made
  }

  /** The outputs that both parts have, all rows in order; undefined: a part is missing. */
  joined():
    | {
        readonly outputs: readonly { readonly tensor: number; readonly array: StageArray }[]
        readonly took: Omit<StageTime, 'id'>
      }
    | undefined {
    const [first, rest] = [this.#first, this.#rest]
    if (!first || !rest) return undefined
    const outputs = [...first.arrays].map(([tensor, array]) => ({
      tensor,
      array: joinRows(array, rest.arrays.get(tensor)!),
    }))
    const took: Omit<StageTime, 'id'> =
      first.host === 'edge'
        ? { host: 'edge', ms: Math.max(first.ms, rest.ms), rowsThere: this.#there }
        : { host: 'device', ms: first.ms + rest.ms }
    return { outputs, took }
  }
}
