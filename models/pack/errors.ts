import { IsthmusError } from '@isthmus/proto'

/** The errors of this room: when each happens. None of them goes away when the same call is repeated. */
export const packErrors = {
  CANNOT_PACK: 'a network is of a kind that a bundle cannot describe',
  LABELS_MISMATCH: 'the labels do not fit the output of the network, or a photo fits none of them',
  PAYLOAD_TOO_LARGE: 'what a mode would send does not fit into one message',
} as const

export type PackErrorCode = keyof typeof packErrors

/** An `IsthmusError` of this room. */
export const packError = (code: PackErrorCode, message: string): IsthmusError =>
  new IsthmusError(code, message)
