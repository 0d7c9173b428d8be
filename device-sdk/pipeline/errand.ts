import {
  allFinite,
  payloadLayout,
  payloadParts,
  readPayload,
  rowsOf,
  type StageArray,
  tensorOfRows,
  type Wiring,
} from '@isthmus/models/pipeline'
import type { RemoteGroup } from '@isthmus/policies/pipeline'
import type { Reply, Ticket } from '../exchange.ts'
import type { KnownTensors } from './known-tensors.ts'

/** A group of stages on its way: not asked for yet, asked for, or over without an answer of use. */
export interface Errand {
  readonly group: RemoteGroup
  /** Of a single stage that is divided: how many rows of all its tensors, and the first of them; 0: all. */
  readonly rows: number
  readonly from: number
  state: 'waiting' | 'asked' | 'answered' | 'over'
  askedMs: number
  ticket: Ticket | undefined
}

export const errandFor = (group: RemoteGroup, rows = 0, from = 0): Errand => ({
  ...{ group, rows, from },
  state: 'waiting',
  askedMs: 0,
  ticket: undefined,
})

/** Share of its stage that an errand asks for. */
export const partOf = ({ group, rows }: Errand, wiring: Wiring): number =>
  rows > 0 ? rows / wiring.stages[group.stages[0]!]!.division!.rows : 1

/** Stages of a group as bits. */
export const maskOf = ({ stages }: RemoteGroup): number =>
  stages.reduce((bits, stage) => bits | (1 << stage), 0) >>> 0

/** The largest header of a reply with the longest lists. */
const REPLY_HEADER_BYTES = 512

const tensorsOf = (numbers: readonly number[], { rows }: Errand, wiring: Wiring) =>
  numbers.map((tensor) => tensorOfRows(wiring.tensors[tensor]!, rows))

/** Bytes that the reply has at most. */
export const replyBytesOf = (errand: Errand, wiring: Wiring): number =>
  payloadLayout(tensorsOf(errand.group.outputs, errand, wiring)).bytes + REPLY_HEADER_BYTES

/**
 * What the request carries. Throws where the tensors cannot be sent as they are.
 *
 * @param known the tensors that are there, by number
 */
export function payloadOf(errand: Errand, wiring: Wiring, known: KnownTensors): readonly Uint8Array[] {
  const { rows, from } = errand
  const { inputs } = errand.group
  return payloadParts(tensorsOf(inputs, errand, wiring), (at) => {
    const tensor = inputs[at]!
    const array = known.get(tensor)!
    return rows === 0 ? array : rowsOf(array, wiring.tensors[tensor]!, from, from + rows)
  })
}

/** What a server computed, by the group's outputs, and how long; undefined for a reply that is not the answer to this. */
export function readReply(
  errand: Errand,
  wiring: Wiring,
  pipeline: number,
  { body, payload }: Reply,
): { readonly arrays: readonly StageArray[]; readonly stageUs: readonly number[] } | undefined {
  const { stages, outputs } = errand.group
  const tensors = tensorsOf(outputs, errand, wiring)
  if (body.kind !== 'stagesReply' || body.pipeline !== pipeline) return undefined
  const { stageUs } = body
  if (stageUs.length !== stages.length || payload.length !== payloadLayout(tensors).bytes) return undefined
  try {
    // The payload lies in the transport's packet: copied, and so aligned.
    const arrays = readPayload(tensors, payload.slice())
    return arrays.length === outputs.length && arrays.every(allFinite) ? { arrays, stageUs } : undefined
  } catch {
    return undefined
  }
}
