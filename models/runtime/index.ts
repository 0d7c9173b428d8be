export { openSession } from './node.ts'
export type {
  DType,
  Session,
  SessionOptions,
  Tensor,
  TensorSpec,
  TypedArray,
  TypedArrayOf,
} from './session.ts'
export { elementCount } from './session.ts'
export { SessionThread } from './session-thread.ts'
export { openWorkerSession } from './worker.ts'
