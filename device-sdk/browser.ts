import { bundleFromFiles } from '@isthmus/models/bundle/web'
import { openWebSession } from '@isthmus/models/runtime/web'
import { z } from 'zod'
import { modelsFor, startDevice } from './assemble.ts'
import { CanvasImages } from './canvas-images.ts'
import type { Device } from './device.ts'
import { deviceError } from './errors.ts'
import { checkAgainst, commonOptions } from './options.ts'
import { randomBoot } from './random-boot.ts'

export type { Answer, Guess, Stages } from './answer.ts'
export type { Device } from './device.ts'
export type { DeviceStats, Telemetry } from './device-stats.ts'
export { deviceErrors } from './errors.ts'
export { type FallbackCode, fallbacks } from './fallback.ts'
export type { EncodedFrame, Frame, RgbFrame } from './frame.ts'
export type { InferOptions } from './infer-options.ts'
export type { TaskAnswer, TaskWish } from './latent-tasks.ts'

const browserOptions = z.strictObject({
  ...commonOptions,
  /** Address of the bundle's folder; manifest and models are fetched below it. */
  bundle: z.string().min(1),
  /** Address of onnxruntime-web's ort-wasm-simd-threaded.wasm. Default: beside the script. */
  wasmUrl: z.string().min(1).optional(),
})

export type BrowserOptions = z.input<typeof browserOptions>

/**
 * The same device in a page or a web worker: onnxruntime-web, MQTT over WebSocket (`broker: 'wss://…'`), the bundle by
 * fetch. Models run on the thread that calls this and hold it up while they run; in a web worker they hold up nothing.
 *
 * Throws as `connectDevice` under Node does, and BUNDLE_UNREACHABLE when a file of the bundle cannot be fetched.
 */
export async function connectDevice(options: BrowserOptions): Promise<Device> {
  const checked = checkAgainst(browserOptions, options)
  const { wasmUrl } = checked
  if (checked.broker !== undefined && !/^wss?:/.test(checked.broker)) {
    throw deviceError('BAD_OPTIONS', 'connectDevice: broker: a browser reaches a broker by ws:// or wss://.')
  }
  const folder = new URL(`${checked.bundle.replace(/\/+$/, '')}/`, globalThis.location.href)
  const get = (file: string) => fetchBytes(new URL(file, folder))
  const bundle = await bundleFromFiles(await get('manifest.json'), get, sha256, { only: modelsFor(checked) })
  return startDevice(checked, {
    bundle,
    openModel: (model) => openWebSession(model, wasmUrl === undefined ? {} : { wasmUrl }),
    images: new CanvasImages(),
    boot: randomBoot(),
  })
}

async function fetchBytes(address: URL): Promise<Uint8Array> {
  let reason: string
  try {
    const response = await fetch(address)
    if (response.ok) return new Uint8Array(await response.arrayBuffer())
    reason = `the server answers ${response.status}`
  } catch (error) {
    reason = (error as Error).message
  }
  throw deviceError('BUNDLE_UNREACHABLE', `${address.href} cannot be fetched: ${reason}.`)
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    throw deviceError('BAD_OPTIONS', 'connectDevice: bundle: hashes need a page from https:// or localhost.')
  }
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
