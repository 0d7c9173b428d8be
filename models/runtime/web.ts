import { env, InferenceSession, Tensor } from 'onnxruntime-web/wasm'
import { modelError } from '../errors.ts'
import { OrtSession, ortOptions, unreadable } from './ort-session.ts'
import type { Session, SessionOptions } from './session.ts'

export interface WebSessionOptions extends SessionOptions {
  /**
   * Where the page finds `ort-wasm-simd-threaded.wasm` of onnxruntime-web 1.30. Default: beside the script that holds
   * this code. It is read once: sessions after the first one share the same WASM module.
   */
  wasmUrl?: string
}

const missingWasm = /no available backend|initWasm|initialization of WebAssembly/i

/**
 * Loads a model into onnxruntime-web (WebAssembly), for a browser or a platform without a native build. A run blocks
 * the thread, and takes several times as long as the native runtime. `intraOpThreads` counts only on a page that is
 * cross-origin isolated, and only for the first session; everywhere else one thread runs.
 *
 * `model` is the bytes of an ONNX file, or its address. Throws `MODEL_UNREADABLE`, `RUNTIME_UNAVAILABLE` or `BAD_OPTION`.
 */
export async function openWebSession(
  model: Uint8Array | string,
  options: WebSessionOptions = {},
): Promise<Session> {
  const { wasmUrl, ...rest } = options
  const settings = { ...ortOptions(rest), executionProviders: ['wasm'] }
  const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true
  env.wasm.numThreads = isolated ? settings.intraOpNumThreads : 1
  if (wasmUrl !== undefined) env.wasm.wasmPaths = { wasm: wasmUrl }
  let ort: InferenceSession
  try {
    ort = await (typeof model === 'string'
      ? InferenceSession.create(model, settings)
      : InferenceSession.create(model, settings))
  } catch (error) {
    if (error instanceof Error && missingWasm.test(error.message)) {
      throw modelError('RUNTIME_UNAVAILABLE', `onnxruntime-web did not start: ${error.message}.`, error)
    }
    throw unreadable(typeof model === 'string' ? model : `a model of ${model.byteLength} bytes`, error)
  }
  try {
    return new OrtSession(ort, Tensor, options.profile !== undefined)
  } catch (error) {
    await ort.release()
    throw error
  }
}
