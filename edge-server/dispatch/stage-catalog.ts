import {
  type Pipeline,
  payloadBytesOf,
  payloadLayout,
  tensorOfRows,
  type WiredTensor,
} from '@isthmus/models/pipeline'
import { MAX_MESSAGE_BYTES, type StagesRequest } from '@isthmus/proto'
import { hex, type Refusal } from './catalog.ts'

/** What a request for stages comes to. */
export interface StagesOffer {
  readonly route: 'stages'
  readonly pipeline: Pipeline
  /** Stage numbers, ascending. */
  readonly stages: readonly number[]
}

/** What a reply holds beside its tensors. */
const REPLY_HEADER_BYTES = 512

/** The pipelines that this server has, by key. */
export class StageCatalog {
  readonly #pipelines: ReadonlyMap<number, Pipeline>

  constructor(pipelines: readonly Pipeline[] = []) {
    this.#pipelines = new Map(pipelines.map((pipeline) => [pipeline.key, pipeline]))
  }

  has(key: number): boolean {
    return this.#pipelines.has(key)
  }

  /** What a request asks for, or why it cannot be had: all that is known of it before its payload is touched. */
  find(request: StagesRequest, payloadBytes: number): StagesOffer | Refusal {
    const pipeline = this.#pipelines.get(request.pipeline)
    if (!pipeline) {
      return {
        code: 'UNKNOWN_PIPELINE',
        detail: `No pipeline with key ${hex(request.pipeline)} is served here`,
      }
    }
    const stages = bitsOf(request.stages)
    return (
      missingStage(pipeline, stages) ??
      strangeTensor(pipeline, stages, request) ??
      strangeRows(pipeline, stages, request) ??
      wrongSize(pipeline, request, payloadBytes) ?? { route: 'stages', pipeline, stages }
    )
  }
}

/** Numbers of the bits that are set. */
export function bitsOf(mask: number): number[] {
  const bits: number[] = []
  for (let bit = 0; bit < 32; bit++) if ((mask >>> bit) & 1) bits.push(bit)
  return bits
}

function missingStage({ id, models, wiring }: Pipeline, stages: readonly number[]): Refusal | undefined {
  const missing = stages.find((stage) => models[stage] === undefined)
  if (missing === undefined) return undefined
  const stage = wiring.stages[missing]
  const detail = stage ? `Stage '${stage.id}' of ${id} is not served here` : `${id} has no stage ${missing}`
  return { code: 'UNKNOWN_STAGE', detail }
}

/** Inputs must be exactly what the stages read and none of them makes; outputs what they make. */
function strangeTensor(
  { wiring }: Pipeline,
  stages: readonly number[],
  { inputs, outputs }: StagesRequest,
): Refusal | undefined {
  const refuse = (detail: string): Refusal => ({ code: 'UNKNOWN_STAGE', detail })
  const asked = new Set(stages)
  const needed = new Set<number>()
  for (const stage of stages) {
    for (const { tensor } of wiring.stages[stage]!.inputs) {
      if (!asked.has(wiring.tensors[tensor]!.stage)) needed.add(tensor)
    }
  }
  const brought = new Set(inputs)
  if (brought.size !== inputs.length) return refuse('The request brings a tensor twice')
  const lacking = [...needed].find((tensor) => !brought.has(tensor))
  if (lacking !== undefined) return refuse(`The request lacks '${wiring.tensors[lacking]!.reference}'`)
  const useless = inputs.find((tensor) => !needed.has(tensor))
  if (useless !== undefined) return refuse(`Tensor ${useless} is of no use to the stages asked for`)
  if (outputs.length === 0) return refuse('The request wants nothing back')
  if (new Set(outputs).size !== outputs.length) return refuse('The request wants a tensor twice')
  const foreign = outputs.find((tensor) => !asked.has(wiring.tensors[tensor]?.stage ?? -1))
  return foreign === undefined
    ? undefined
    : refuse(`Tensor ${foreign} is made by none of the stages asked for`)
}

/** Rows are divided of a single stage that says that it may be, in parts that are large enough. */
function strangeRows(
  { wiring }: Pipeline,
  [stage, ...others]: readonly number[],
  { rows }: StagesRequest,
): Refusal | undefined {
  if (rows === 0) return undefined
  const { id, division } = wiring.stages[stage!]!
  const refuse = (detail: string): Refusal => ({ code: 'BAD_SHAPE', detail })
  if (others.length > 0) return refuse('Rows are divided of one stage at a time')
  if (!division) return refuse(`The rows of stage '${id}' cannot be divided`)
  const most = division.rows - division.leastRows
  if (rows >= division.leastRows && rows <= most) return undefined
  return refuse(`Of stage '${id}' ${division.leastRows} to ${most} rows can be run, not ${rows}`)
}

function wrongSize(
  { wiring }: Pipeline,
  { inputs, outputs, rows }: StagesRequest,
  payloadBytes: number,
): Refusal | undefined {
  const { bytes } = payloadLayout(tensorsOf(wiring.tensors, inputs, rows))
  if (bytes !== payloadBytes) {
    return { code: 'BAD_SHAPE', detail: `The tensors take ${bytes} payload bytes, not ${payloadBytes}` }
  }
  const wanted = tensorsOf(wiring.tensors, outputs, rows)
  const replyBytes = payloadLayout(wanted).bytes
  if (replyBytes <= MAX_MESSAGE_BYTES - REPLY_HEADER_BYTES) return undefined
  const largest = wanted.reduce((a, b) => (payloadBytesOf(b) > payloadBytesOf(a) ? b : a))
  const what = `The reply would hold ${replyBytes} bytes ('${largest.reference}' is the largest)`
  return { code: 'TOO_LARGE', detail: what }
}

const tensorsOf = (
  tensors: readonly WiredTensor[],
  numbers: readonly number[],
  rows: number,
): WiredTensor[] => numbers.map((number) => tensorOfRows(tensors[number]!, rows))
