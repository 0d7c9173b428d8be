import { IsthmusError } from './errors.ts'

interface WireErrorEntry {
  /** `ErrorReply.code` on the wire. Never reused for another meaning. */
  readonly number: number
  readonly retryable: boolean
  /** What the receiver of the error can do. */
  readonly hint: string
}

/** Every error that may cross the wire. docs/wire.md shows this table. */
export const wireErrors = {
  BAD_MESSAGE: {
    number: 1,
    retryable: false,
    hint: 'Send one isthmus.v1.Message as docs/wire.md describes.',
  },
  BAD_CHECKSUM: { number: 2, retryable: true, hint: 'The packet was damaged on its way; send it again.' },
  UNSUPPORTED_SCHEMA: { number: 3, retryable: false, hint: 'Use the same major version on both sides.' },
  TOO_LARGE: { number: 4, retryable: false, hint: 'Choose a mode with a smaller payload.' },
  EXPIRED: { number: 5, retryable: true, hint: 'Allow more time or choose a faster mode.' },
  OVER_CREDIT: { number: 6, retryable: true, hint: 'Wait for replies before sending more.' },
  QUEUE_FULL: { number: 7, retryable: true, hint: 'The server is busy; answer locally and try later.' },
  UNKNOWN_BUNDLE: { number: 8, retryable: false, hint: 'Install the same bundle on the server.' },
  UNKNOWN_MODE: { number: 9, retryable: false, hint: 'Use a mode of the bundle that the request names.' },
  ROUTE_NOT_OFFERED: { number: 10, retryable: false, hint: 'Use a route that the mode offers.' },
  BAD_SHAPE: { number: 11, retryable: false, hint: "Send a tensor of the bundle's dims." },
  NOT_FINITE: { number: 12, retryable: false, hint: 'Send numbers that are neither NaN nor infinite.' },
  BAD_PAYLOAD: {
    number: 13,
    retryable: false,
    hint: "Code the payload as the mode's quantiser or image says.",
  },
  REPLAYED: { number: 14, retryable: false, hint: 'Give every request its own id.' },
  TAIL_FAILED: { number: 15, retryable: true, hint: "Look at the server's log; the model could not be run." },
  DRAINING: { number: 16, retryable: true, hint: 'The server is stopping; wait until it is online again.' },
  NOT_ALLOWED: { number: 17, retryable: false, hint: 'Use only topics below your own id.' },
  UNKNOWN_PIPELINE: { number: 18, retryable: false, hint: 'Install the same pipeline on the server.' },
  UNKNOWN_STAGE: {
    number: 19,
    retryable: false,
    hint: 'Ask for stages that the server offers, with the tensors that they read.',
  },
  STAGE_FAILED: { number: 20, retryable: true, hint: "Look at the server's log; a stage could not be run." },
  PATCH_MISMATCH: {
    number: 21,
    retryable: true,
    hint: "Answer locally, and adopt the patch at the family's topic before the next request.",
  },
  UNKNOWN_FAMILY: { number: 22, retryable: false, hint: 'Adapt models of a family that the server adapts.' },
  UNKNOWN_DECODER: {
    number: 23,
    retryable: false,
    hint: 'Ask for decoders of the bundle that the request names, on the route split.',
  },
} as const satisfies Record<string, WireErrorEntry>

export type WireErrorCode = keyof typeof wireErrors

const codes = Object.keys(wireErrors) as WireErrorCode[]
const codeByNumber = new Map<number, WireErrorCode>(codes.map((code) => [wireErrors[code].number, code]))

/** An error of the wire table. `detail` says what was wrong; the table's hint follows it unless it is there already. */
export function wireError(code: WireErrorCode, detail: string, cause?: unknown): IsthmusError {
  const { hint, retryable } = wireErrors[code]
  const message = detail === '' ? hint : detail.endsWith(hint) ? detail : `${detail}. ${hint}`
  return new IsthmusError(code, message, { retryable, cause })
}

/** The code of an `ErrorReply.code`; undefined for a number of a newer version. */
export function wireErrorCodeOf(number: number): WireErrorCode | undefined {
  return codeByNumber.get(number)
}

/** Whether a code (say, of a caught IsthmusError) may be sent over the wire. */
export function isWireErrorCode(code: string): code is WireErrorCode {
  return Object.hasOwn(wireErrors, code)
}
