import { IsthmusError } from '@isthmus/proto'

/** The errors of this room: when each happens. None of them goes away when the same call is repeated. */
export const autodiffErrors = {
  UNSUPPORTED_GRADIENT: 'a gradient is asked for through an operator, or a form of it, that has no rule',
  UNSUPPORTED_OPSET: 'a graph to train is written in an operator set older than 14',
  UNKNOWN_PARAMETER:
    'a parameter to train is not a float32 initialiser of the graph, or does not reach the loss',
  BAD_OPTION:
    'names of parameters, groups, inputs or outputs contradict each other, or the loss is not one number',
} as const

export type AutodiffErrorCode = keyof typeof autodiffErrors

/** An `IsthmusError` of this room. */
export const autodiffError = (code: AutodiffErrorCode, message: string): IsthmusError =>
  new IsthmusError(code, message)
