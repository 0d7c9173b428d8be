/** The array type that carries each element type. `float16` travels as its raw 16 bits, `bool` as 0 and 1. */
export interface TypedArrayOf {
  float32: Float32Array
  float64: Float64Array
  float16: Uint16Array
  int8: Int8Array
  uint8: Uint8Array
  int16: Int16Array
  uint16: Uint16Array
  int32: Int32Array
  uint32: Uint32Array
  int64: BigInt64Array
  uint64: BigUint64Array
  bool: Uint8Array
}

export type DType = keyof TypedArrayOf
export type TypedArray = TypedArrayOf[DType]

/** A dense tensor, row-major. `data.length` is the product of `dims`; a scalar has `dims: []`. */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D
  readonly dims: readonly number[]
  readonly data: TypedArrayOf[D]
}

/**
 * What a model declares of one input or output. A string in `dims` is a dimension that is free; no dims at all
 * means a scalar or a shape that the model leaves open (the runtime does not tell them apart).
 */
export interface TensorSpec {
  readonly name: string
  readonly dtype: DType
  readonly dims: readonly (number | string)[]
}

/**
 * A loaded model. The same contract holds on this thread, in a worker thread and in WebAssembly:
 *
 * - `run` takes exactly the inputs that `inputs` names and resolves to every output by name. The feeds are only
 *   read and stay the caller's; the result belongs to the caller.
 * - Runs are answered in the order in which they were asked for.
 * - A feed must not be written to until its run has settled.
 * - `spare` buffers are handed over with the call: results may come in them, so that frame after frame takes no new memory.
 * - A failed run leaves the session usable.
 * - `dispose` lets the runs that were already asked for finish, may be called twice, and frees the memory.
 *
 * Throws (as rejections, each an `IsthmusError`): `BAD_FEED` naming the input, `RUN_FAILED`, `SESSION_CLOSED`,
 * and for a worker `WORKER_DIED`.
 */
export interface Session {
  readonly inputs: readonly TensorSpec[]
  readonly outputs: readonly TensorSpec[]
  run(
    feeds: Readonly<Record<string, Tensor>>,
    spare?: readonly ArrayBuffer[],
  ): Promise<Record<string, Tensor>>
  dispose(): Promise<void>
}

export interface SessionOptions {
  /** Threads that one operator may use. Default 1: a device and a busy server have other work. */
  intraOpThreads?: number
  /** Let idle threads spin for work. Default false: on shared cores spinning doubled run times. */
  spinning?: boolean
  /** How far the runtime may rewrite the graph. Default `all`; `disabled` keeps every operator as written. */
  graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all'
  /** Write a Chrome trace of every operator to a file whose name starts so, when the session is disposed of. */
  profile?: string
}

/** An element count that is exact, or `undefined` when a dimension is negative, fractional or too large. */
export const elementCount = (dims: readonly number[]): number | undefined => {
  let count = 1
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) return undefined
    count *= dim
  }
  return Number.isSafeInteger(count) ? count : undefined
}
