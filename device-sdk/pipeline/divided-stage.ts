import { joinRows, type StageArray, type Wiring } from '@isthmus/models/pipeline'
import type { StageTime } from './answer.ts'

/** Rows of a stage that the device runs at once: `from` … `to` − 1; both 0: all of a stage that is not divided. */
export interface StagePart {
  readonly from: number
  readonly to: number
}

export const WHOLE: StagePart = { from: 0, to: 0 }

/** One part's outputs, by tensor number, and where they came from. */
interface Made {
  readonly arrays: ReadonlyMap<number, StageArray>
  readonly host: StageTime['host']
  readonly ms: number
}

/**
 * A stage of a run whose rows are divided: the first go to the server, the device runs the rest at the same time. What one side
 * does not give, the other is asked for, too.
 */
export class DividedStage {
  readonly stage: number
  readonly #all: number
  readonly #there: number
  #first: Made | undefined
  #rest: Made | undefined

  /** @param there rows for the server */
  constructor(wiring: Wiring, stage: number, there: number) {
    this.stage = stage
    this.#all = wiring.stages[stage]!.division!.rows
    this.#there = there
  }

  /** The rows that were meant for the device. */
  get own(): { readonly from: number; readonly rows: number } {
    return { from: this.#there, rows: this.#all - this.#there }
  }

  /** Whether the device's own rows are done. */
  get hasOwn(): boolean {
    return this.#rest !== undefined
  }

  /** How many rows each part has that nobody has done yet. */
  get left(): readonly number[] {
    return [...(this.#first ? [] : [this.#there]), ...(this.#rest ? [] : [this.own.rows])]
  }

  /** What the device runs next; `alone`: the server is not waited for any more. */
  next(alone: boolean): StagePart {
    const there = this.#there
    if (this.#rest) return { from: 0, to: there }
    return alone && !this.#first ? WHOLE : { from: there, to: this.#all }
  }

  /** Rows from `from` on came out so; `outputs`: the tensors' numbers. */
  gave(
    from: number,
    outputs: readonly number[],
    arrays: readonly StageArray[],
    host: StageTime['host'],
    ms: number,
  ): void {
    const made = { arrays: new Map(outputs.map((tensor, at) => [tensor, arrays[at]!])), host, ms }
    if (from > 0) this.#rest ??= made
    else this.#first ??= made
  }

  /** Whether a part is missing that begins at that row. */
  lacks(from: number): boolean {
    return (from > 0 ? this.#rest : this.#first) === undefined
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
    // The server was asked for what others read alone.
    const both = [...first.arrays.keys()].filter((tensor) => rest.arrays.has(tensor))
    const outputs = both.map((tensor) => ({
      tensor,
      array: joinRows(first.arrays.get(tensor)!, rest.arrays.get(tensor)!),
    }))
    if (first.host === rest.host) return { outputs, took: { host: first.host, ms: first.ms + rest.ms } }
    const ms = Math.max(first.ms, rest.ms)
    return { outputs, took: { host: 'edge', ms, rowsThere: this.#there } }
  }
}
