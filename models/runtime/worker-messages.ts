import type { SessionOptions, Tensor, TensorSpec, TypedArray } from './session.ts'

/** What the thread is started with. */
export interface WorkerStart {
  /** Memory of the {@link RunGate} that the thread enters around native calls. */
  readonly gate: SharedArrayBuffer
}

/**
 * To the thread: a model to open under a number, one run of a session, or the wish to dispose of it; with `end`, to end then. Each but
 * the last gets one reply, in their order.
 */
export type WorkerRequest =
  | { readonly session: number; readonly open: { model: Uint8Array | string; options: SessionOptions } }
  | {
      readonly session: number
      readonly feeds: Record<string, Tensor>
      /** Memory for the outputs. */
      readonly spare?: readonly ArrayBuffer[]
    }
  | { readonly session: number; readonly dispose: true; readonly end?: true }
  | { readonly end: true }

export interface WorkerFailure {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
}

/** From the thread, for what was asked. */
export type WorkerReply =
  | { readonly opened: { readonly inputs: TensorSpec[]; readonly outputs: TensorSpec[] } }
  | { readonly outputs: Record<string, Tensor> }
  | { readonly disposed: true }
  | { readonly failure: WorkerFailure }

/** The buffers behind some tensors, each once: what may be handed over instead of copied. */
export function buffersOf(tensors: Readonly<Record<string, Tensor>>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>()
  for (const { data } of Object.values(tensors)) {
    if (data.buffer instanceof ArrayBuffer) buffers.add(data.buffer)
  }
  return [...buffers]
}

/** The same tensors in buffers of their own, so that handing them over takes nothing from their owner. */
export function ownCopies(tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  const copies: Record<string, Tensor> = {}
  for (const [name, { dtype, dims, data }] of Object.entries(tensors)) {
    copies[name] = { dtype, dims: [...dims], data: copyOf(data) }
  }
  return copies
}

/** The same tensors, each in a buffer of `spare` where there is one of its size: those are used up. */
export function inSpare(
  tensors: Readonly<Record<string, Tensor>>,
  spare: readonly ArrayBuffer[],
): Readonly<Record<string, Tensor>> {
  if (spare.length === 0) return tensors
  const left = [...spare]
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => {
      const at = left.findIndex(({ byteLength }) => byteLength > 0 && byteLength === tensor.data.byteLength)
      const [buffer] = at < 0 ? [] : left.splice(at, 1)
      return [name, buffer ? { ...tensor, data: copiedInto(buffer, tensor.data) } : tensor]
    }),
  )
}

function copiedInto(buffer: ArrayBuffer, data: TypedArray): TypedArray {
  new Uint8Array(buffer).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  return new (data.constructor as new (buffer: ArrayBuffer) => TypedArray)(buffer)
}

/** `slice` of a Buffer is a view, so the copy is made by the plain typed array's own method. */
const copyOf = (data: TypedArray): TypedArray =>
  data instanceof Uint8Array ? Uint8Array.prototype.slice.call(data) : data.slice()
