import { IsthmusError } from '@isthmus/proto'

/** The errors of this room: when each happens. None of them goes away when the same call is repeated. */
export const graphErrors = {
  MODEL_UNREADABLE: 'bytes are not a complete ONNX model, or contradict themselves',
  UNSUPPORTED_DTYPE: 'a tensor has an element type that Isthmus does not read',
  UNSUPPORTED_MODEL: 'a model uses a part of ONNX that Isthmus does not read',
  UNSUPPORTED_OPERATOR: 'no shape rule is known for an operator',
  SHAPE_MISMATCH: 'shapes that meet in a node do not fit each other',
  SHAPE_UNKNOWN: 'a shape depends on values that are only known when the model runs',
  BAD_INPUT: 'a shape was given for an input that does not exist or does not fit, or is missing',
  CANNOT_CUT: 'a model cannot be cut by the tensor that was named',
  EXTERNAL_DATA: 'weights beside the model file are missing, too short, or outside its folder',
  MODEL_TOO_LARGE: 'a model with its weights does not fit into one file of its format',
} as const

export type GraphErrorCode = keyof typeof graphErrors

/** An `IsthmusError` of this room. */
export const graphError = (code: GraphErrorCode, message: string, cause?: unknown): IsthmusError =>
  new IsthmusError(code, message, cause === undefined ? {} : { cause })
