/** The one error class of Isthmus. `code` names the reason in its package's table; `message` says what to do next. */
export class IsthmusError extends Error {
  readonly code: string
  /** Whether the same call may succeed later without a change on the caller's side. */
  readonly retryable: boolean

  constructor(code: string, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'IsthmusError'
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** Errors of this package that never cross the wire; those that do are in wire-errors.ts. */
export const protoErrors = {
  BAD_ID: { retryable: false, hint: 'Use 1 to 64 letters, digits, - and _.' },
} as const
