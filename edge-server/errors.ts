import { IsthmusError } from '@isthmus/proto'

/**
 * Why a server could not start. The message that goes with a code is one line that says what was wrong, followed by
 * the table's hint. Errors that cross the wire are in `@isthmus/proto` (`wireErrors`).
 */
export const edgeErrors = {
  BAD_CONFIG: { retryable: false, hint: 'isthmus-edge --help lists every setting.' },
  PORT_IN_USE: { retryable: true, hint: 'Stop the program that holds it, or choose another port.' },
  BAD_ADDRESS: { retryable: false, hint: 'Set host to an address of this machine, or to 0.0.0.0 for all.' },
  NO_BROKER: { retryable: true, hint: 'Start that broker, or leave out --broker to use the one inside.' },
  BROKER_REFUSED: { retryable: false, hint: 'Check brokerUsername, brokerPassword and its access rules.' },
  NO_BUNDLES: { retryable: false, hint: 'Name a folder that holds bundles with --bundles DIR.' },
  NO_PIPELINES: { retryable: false, hint: 'Name a folder that holds pipelines with --pipelines DIR.' },
  BAD_MARKET: {
    retryable: false,
    hint: 'Correct the number that is named; a round leaves out such requests.',
  },
  STATE_DAMAGED: {
    retryable: false,
    hint: 'Remove it: learning begins anew from the packed network, and versions go on.',
  },
  BAD_SIGNING_KEY: {
    retryable: false,
    hint: 'Put the right key there (mode 0600), or remove it for a new one, whose public half every device must then be given.',
  },
  ADAPT_UNKEPT: {
    retryable: false,
    hint: 'Set adapt to a folder that the server may read and write in, or leave it out.',
  },
  FOLDER_IN_USE: {
    retryable: true,
    hint: 'Stop that server, or give this one a folder of its own (or, for its leases, an id).',
  },
  NO_ADAPTATION: {
    retryable: false,
    hint: 'Leave out --adapt, or name bundles whose local network has normalisations, with a full network of the same classes to teach it.',
  },
  NOT_EXACT: {
    retryable: false,
    hint: 'Give the solver more time or a smaller market, or take critical payments, which need no optimum.',
  },
  NO_WORKER: { retryable: true, hint: 'The log says why its thread ended.' },
  NO_CLUSTERS: {
    retryable: false,
    hint: 'A market that is cleared by clusters needs a resource, and at least one cluster.',
  },
  AUCTION_THREAD_DIED: {
    retryable: true,
    hint: 'Open new threads and clear the round again, or clear it without threads: the result is the same.',
  },
  MARKET_UNKEPT: {
    retryable: false,
    hint: 'Set marketDir to a folder that the server may write in, or leave it out.',
  },
} as const

export type EdgeErrorCode = keyof typeof edgeErrors

/** An error of the table: `detail` says what was wrong, the table's hint what to do next. */
export function edgeError(code: EdgeErrorCode, detail: string, cause?: unknown): IsthmusError {
  const { retryable, hint } = edgeErrors[code]
  const end = /[.?]$/.test(detail) ? '' : '.'
  return new IsthmusError(code, `${detail}${end} ${hint}`, { retryable, cause })
}
