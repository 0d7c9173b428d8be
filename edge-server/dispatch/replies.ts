import { type BodyFields, clockUs32 } from '@isthmus/proto'
import type { Outcome, StagesOutcome, TailOutcome, Work } from './work.ts'

/** The time of one answered request in the server; `serverMs` is the sum of the other three. */
export interface StageTimes {
  readonly serverMs: number
  /** Everything that is neither decoding nor computing: waiting, and being handed over. */
  readonly queueMs: number
  readonly decodeMs: number
  /** The tail, or all stages of a pipeline that were asked for. */
  readonly tailMs: number
  /** Frames that were computed by the same run of the tail. */
  readonly batch: number
}

/** When a request came and is answered, on the server's clock, and whose life this is. */
export interface Moment {
  readonly arrivedMs: number
  readonly nowMs: number
  readonly sentUs: number
  readonly epoch: number
}

/** What goes back for a request that was computed. */
export interface Computed {
  readonly body: BodyFields
  readonly payload: Uint8Array
  readonly times: StageTimes
  /** What it took of a worker's time: its part of what was computed together. */
  readonly workerMs: number
}

type Done<O extends Outcome> = Extract<O, { ok: true }>

export function replyTo(work: Work, outcome: Done<Outcome>, moment: Moment): Computed {
  return 'stageMs' in outcome
    ? stagesReply(work, outcome, moment)
    : tailReply('bundle' in work ? work.bundle : 0, outcome, moment)
}

function tailReply(bundle: number, outcome: Done<TailOutcome>, moment: Moment): Computed {
  const { result, dims, tail, decoded = [], decodeMs, tailMs, ownMs = 0, batch = 1 } = outcome
  const { times, ...on } = timed(decodeMs, tailMs, moment, batch)
  const ran = tail ? { patch: tail.version, patchEpoch: tail.epoch } : {}
  const decoders = decoded.map(({ id }) => id)
  const decoderValues = decoded.map(({ values }) => values)
  const body: BodyFields = { kind: 'reply', bundle, dims: [...dims], decoders, decoderValues, ...ran, ...on }
  const workerMs = decodeMs + ownMs + (tailMs - ownMs) / batch
  const bytes = new Uint8Array(result.buffer, result.byteOffset, result.byteLength)
  return { body, payload: bytes, times, workerMs }
}

function stagesReply(work: Work, outcome: Done<StagesOutcome>, moment: Moment): Computed {
  const { payload, stageMs, decodeMs } = outcome
  const pipeline = 'pipeline' in work ? work.pipeline : 0
  const computeMs = stageMs.reduce((sum, ms) => sum + ms, 0)
  const { times, tailUs: _, decodeUs: __, ...on } = timed(decodeMs, computeMs, moment)
  const body: BodyFields = { kind: 'stagesReply', pipeline, stageUs: stageMs.map(wireUs), ...on }
  return { body, payload, times, workerMs: decodeMs + computeMs }
}

function timed(decodeMs: number, tailMs: number, { arrivedMs, nowMs, sentUs, epoch }: Moment, batch = 1) {
  const serverMs = Math.max(nowMs - arrivedMs, decodeMs + tailMs)
  const decodeUs = Math.round(decodeMs * 1000)
  const tailUs = Math.round(tailMs * 1000)
  const serverUs = Math.max(wireUs(serverMs), decodeUs + tailUs)
  return {
    times: { serverMs, queueMs: serverMs - decodeMs - tailMs, decodeMs, tailMs, batch },
    echoUs: sentUs,
    receivedUs: clockUs32(arrivedMs),
    serverUs,
    queueUs: serverUs - decodeUs - tailUs,
    decodeUs,
    tailUs,
    epoch,
  }
}

/** A duration as the wire counts it; 71 minutes is the longest, which a process that was stopped may exceed. */
export const wireUs = (ms: number): number => Math.min(0xffffffff, Math.max(0, Math.round(ms * 1000)))
