import {
  allFinite,
  type Pipeline,
  payloadLayout,
  payloadParts,
  readPayload,
  type StageArray,
  StageModel,
  stageArrays,
  tensorOfRows,
  type WiredTensor,
  type Wiring,
} from '@isthmus/models/pipeline'
import { openSession } from '@isthmus/models/runtime'
import { IsthmusError, isWireErrorCode, wireError } from '@isthmus/proto'
import type { StagesOutcome, StagesWork } from '../dispatch/work.ts'

/** What a worker needs of one pipeline. */
export type WorkerPipeline = Pick<Pipeline, 'key' | 'id' | 'wiring' | 'models'>

/** The stages of one pipeline on this thread: from the tensors of a request to those of its reply. */
export class PipelineStages {
  readonly #wiring: Wiring
  readonly #models: readonly (StageModel | undefined)[]
  /** What each stage took when it was loaded; 0: not served. */
  readonly stageMs: readonly number[]

  private constructor(
    wiring: Wiring,
    models: readonly (StageModel | undefined)[],
    stageMs: readonly number[],
  ) {
    this.#wiring = wiring
    this.#models = models
    this.stageMs = stageMs
  }

  /** Loads the models and runs each three times, so that the first frame finds everything warm. */
  static async open({ wiring, models }: WorkerPipeline, intraOpThreads: number): Promise<PipelineStages> {
    const opened: (StageModel | undefined)[] = []
    const stageMs: number[] = []
    try {
      for (const [stage, bytes] of models.entries()) {
        const model = bytes && new StageModel(await openSession(bytes, { intraOpThreads }), wiring, stage)
        opened.push(model)
        stageMs.push(model ? await warmUp(model, wiring) : 0)
      }
    } catch (error) {
      for (const model of opened) await model?.dispose()
      throw error
    }
    return new PipelineStages(wiring, opened, stageMs)
  }

  /** Computes what a request asks for; stops where its time is up. Never throws. */
  async compute(work: StagesWork, isExpired: () => boolean): Promise<StagesOutcome> {
    let doing = 'the tensors'
    try {
      const startMs = performance.now()
      const known = this.#read(work)
      const decodeMs = performance.now() - startMs
      const asked = new Set(work.stages)
      const took = new Map<number, number>()
      for (const stage of this.#wiring.order) {
        if (!asked.has(stage)) continue
        const { id, outputs } = this.#wiring.stages[stage]!
        if (isExpired()) throw wireError('EXPIRED', `The deadline passed before stage '${id}'`)
        doing = `stage '${id}'`
        const beganMs = performance.now()
        const results = await this.#models[stage]!.run((tensor) => known.get(tensor)!, work.rows)
        took.set(stage, performance.now() - beganMs)
        for (const [at, { number }] of outputs.entries()) known.set(number, results[at]!)
      }
      const stageMs = work.stages.map((stage) => took.get(stage) ?? 0)
      return { ok: true, payload: this.#write(work, known), stageMs, decodeMs }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (error instanceof IsthmusError && isWireErrorCode(error.code)) {
        return { ok: false, code: error.code, detail: reason }
      }
      return { ok: false, code: 'STAGE_FAILED', detail: `${doing}: ${reason}` }
    }
  }

  async close(): Promise<void> {
    for (const model of this.#models) await model?.dispose()
  }

  #read({ inputs, rows, payload }: StagesWork): Map<number, StageArray> {
    const tensors = this.#tensors(inputs, rows)
    let arrays: readonly StageArray[]
    try {
      arrays = readPayload(tensors, payload)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw wireError('BAD_PAYLOAD', reason, error)
    }
    const strange = arrays.findIndex((array) => !allFinite(array))
    if (strange >= 0) {
      throw wireError('NOT_FINITE', `'${tensors[strange]!.reference}' holds NaN or an infinity`)
    }
    return new Map(arrays.map((array, at) => [inputs[at]!, array]))
  }

  /** One buffer, which is transferred: the runtime's own cannot be. */
  #write({ outputs, rows }: StagesWork, known: ReadonlyMap<number, StageArray>): Uint8Array<ArrayBuffer> {
    const tensors = this.#tensors(outputs, rows)
    const arrays = outputs.map((tensor) => known.get(tensor)!)
    const strange = arrays.findIndex((array) => !allFinite(array))
    if (strange >= 0) {
      throw wireError('STAGE_FAILED', `'${tensors[strange]!.reference}' holds NaN or an infinity`)
    }
    const payload = new Uint8Array(payloadLayout(tensors).bytes)
    let end = 0
    for (const part of payloadParts(tensors, (at) => arrays[at]!)) {
      payload.set(part, end)
      end += part.length
    }
    return payload
  }

  #tensors(numbers: readonly number[], rows: number): WiredTensor[] {
    return numbers.map((number) => tensorOfRows(this.#wiring.tensors[number]!, rows))
  }
}

async function warmUp(model: StageModel, { tensors }: Wiring): Promise<number> {
  const zeros = (tensor: number) => new stageArrays[tensors[tensor]!.dtype](tensors[tensor]!.count)
  let leastMs = Number.POSITIVE_INFINITY
  for (let run = 0; run < 3; run++) {
    const startMs = performance.now()
    await model.run(zeros)
    leastMs = Math.min(leastMs, performance.now() - startMs)
  }
  return Math.max(0.001, leastMs)
}
