import { InferenceSession, Tensor } from 'onnxruntime-node'
import { OrtSession, ortOptions, unreadable } from './ort-session.ts'
import type { Session, SessionOptions } from './session.ts'

/**
 * Loads a model into onnxruntime-node on this thread. A run blocks the thread for as long as it computes: a server
 * that must stay responsive uses {@link openWorkerSession}. Feeds are not copied, except from shared memory.
 *
 * `model` is the bytes of an ONNX file, or its path (needed for weights in separate files).
 * In a worker thread of your own: let runs finish before the thread is ended. ONNX Runtime aborts the whole process when
 * its thread is terminated while it computes. ({@link openWorkerSession} takes care of this.)
 *
 * Throws `MODEL_UNREADABLE` or `BAD_OPTION`.
 */
export async function openSession(
  model: Uint8Array | string,
  options: SessionOptions = {},
): Promise<Session> {
  const settings = ortOptions(options)
  const what = typeof model === 'string' ? model : `a model of ${model.byteLength} bytes`
  let ort: InferenceSession
  try {
    ort = await (typeof model === 'string'
      ? InferenceSession.create(model, settings)
      : InferenceSession.create(model.buffer instanceof ArrayBuffer ? model : model.slice(), settings))
  } catch (error) {
    throw unreadable(what, error)
  }
  try {
    return new OrtSession(ort, Tensor, options.profile !== undefined)
  } catch (error) {
    await ort.release()
    throw error
  }
}
