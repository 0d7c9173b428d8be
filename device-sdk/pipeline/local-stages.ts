import { rowsOf, type StageArray, StageModel, stageArrays, type Wiring } from '@isthmus/models/pipeline'
import type { Session } from '@isthmus/models/runtime'
import type { StageTimes } from '@isthmus/policies'
import { IsthmusError } from '@isthmus/proto'
import type { Clock } from '../clock.ts'
import { deviceError } from '../errors.ts'

/** Opens the model of a stage; undefined: the device does not have it. */
export type OpenStage = (stage: number) => (() => Promise<Session>) | undefined

/** Runs of each stage that are measured when it is opened; the first one before them is slow and says nothing. */
const WARM_UP_RUNS = 5
const WARM_UP_MS = 500

/** Name of a stage among the measured times. */
export const deviceStage = (stage: number): string => `device:${stage}`
/** And of the smallest part of one that may be divided. */
const leastPart = (stage: number): string => `device:${stage}:least`

/**
 * The stages that this device can run, measured. A model whose thread has died is opened again, so that one lost run is all
 * that it costs.
 */
export class LocalStages {
  readonly #wiring: Wiring
  readonly #open: readonly ((() => Promise<Session>) | undefined)[]
  readonly #opened = new Map<number, Promise<StageModel>>()
  readonly #clock: Clock
  readonly #times: StageTimes
  /** Of stages that may be divided, what share of a run's time any number of rows takes. */
  readonly #anyRowsShare = new Map<number, number>()
  #closed = false

  constructor(wiring: Wiring, open: OpenStage, clock: Clock, times: StageTimes) {
    this.#wiring = wiring
    this.#open = wiring.stages.map(({ number }) => open(number))
    this.#clock = clock
    this.#times = times
  }

  has(stage: number): boolean {
    return this.#open[stage] !== undefined
  }

  /** Longest of the recent runs, in ms; `rows`: of so many of its rows, 0: all. */
  longestMs(stage: number, rows = 0): number {
    return (this.#times.longest(deviceStage(stage)) ?? 0) * this.#workOf(stage, rows)
  }

  /** Usual time of a run, in ms; undefined: not here. */
  usualMs(stage: number): number | undefined {
    return this.has(stage) ? this.#times.median(deviceStage(stage)) : undefined
  }

  /** Opens and measures every stage. Throws what opening or running a model throws. */
  async start(): Promise<void> {
    const { tensors, order } = this.#wiring
    const zeros = (tensor: number) => new stageArrays[tensors[tensor]!.dtype](tensors[tensor]!.count)
    for (const stage of order) {
      if (!this.has(stage)) continue
      const model = await this.#model(stage)
      await this.#measure(deviceStage(stage), () => model.run(zeros))
      const { division } = this.#wiring.stages[stage]!
      if (!division) continue
      const { rows, leastRows } = division
      const least = (tensor: number) => rowsOf(zeros(tensor), tensors[tensor]!, 0, leastRows)
      await this.#measure(leastPart(stage), () => model.run(least, leastRows))
      const share = this.#times.median(leastPart(stage))! / this.#times.median(deviceStage(stage))!
      const anyRows = (share - leastRows / rows) / (1 - leastRows / rows)
      this.#anyRowsShare.set(stage, Math.min(1, Math.max(0, anyRows || 0)))
    }
  }

  async #measure(name: string, run: () => Promise<unknown>): Promise<void> {
    const beganMs = this.#clock.now()
    for (let count = 0; count <= WARM_UP_RUNS; count++) {
      const startMs = this.#clock.now()
      await run()
      const endMs = this.#clock.now()
      if (count > 0) this.#times.add(name, endMs - startMs)
      if (count > 0 && endMs - beganMs > WARM_UP_MS) break
    }
  }

  /** What so many rows of a stage take, as a share of all: reading its weights takes as long for one row as for many. 0: all. */
  #workOf(stage: number, rows: number): number {
    const all = this.#wiring.stages[stage]!.division?.rows
    if (rows === 0 || all === undefined) return 1
    const anyRows = this.#anyRowsShare.get(stage) ?? 0
    return anyRows + ((1 - anyRows) * rows) / all
  }

  /**
   * Runs a stage; the outputs come in the stage's order. Throws what running a model throws.
   *
   * @param rows of a stage that may be divided: how many rows the arrays hold; 0: all
   */
  async run(
    stage: number,
    arrayOf: (tensor: number) => StageArray,
    rows = 0,
  ): Promise<{ outputs: StageArray[]; ms: number }> {
    try {
      const model = await this.#model(stage)
      const startMs = this.#clock.now()
      const outputs = await model.run(arrayOf, rows)
      const ms = this.#clock.now() - startMs
      const all = this.#wiring.stages[stage]!.division?.rows ?? 0
      // Smaller parts say too little of the whole.
      if (rows === 0 || 2 * rows >= all) this.#times.add(deviceStage(stage), ms / this.#workOf(stage, rows))
      return { outputs, ms }
    } catch (error) {
      if (error instanceof IsthmusError && error.code === 'WORKER_DIED') this.#opened.delete(stage)
      throw error
    }
  }

  async dispose(): Promise<void> {
    this.#closed = true
    for (const opening of this.#opened.values()) {
      const model = await opening.catch(() => undefined)
      await model?.dispose()
    }
  }

  #model(stage: number): Promise<StageModel> {
    if (this.#closed) return Promise.reject(deviceError('CLOSED', 'The pipeline has been closed.'))
    const known = this.#opened.get(stage)
    if (known) return known
    const opening = this.#open[stage]!().then(async (session) => {
      try {
        return new StageModel(session, this.#wiring, stage)
      } catch (error) {
        await session.dispose()
        throw error
      }
    })
    this.#opened.set(stage, opening)
    opening.catch(() => {
      if (this.#opened.get(stage) === opening) this.#opened.delete(stage)
    })
    return opening
  }
}
