import { setTimeout as sleep } from 'node:timers/promises'
import { connectDevice, type Device, type RgbFrame } from '@isthmus/device-sdk'

// A device of the weather demo: a process of its own, which knows no more of the server than its address and its public key.

export interface WeatherSetting {
  readonly kind: 'set'
  readonly id: string
  readonly broker: string
  readonly bundle: string
  /** The server's public key; left out: the device takes no part in adaptation. */
  readonly patchKey: string | undefined
}

/** Frames to be answered one after the other. */
export interface WeatherOrder {
  readonly kind: 'show'
  readonly frames: readonly RgbFrame[]
  readonly fps: number
}

export type WeatherReport =
  | { readonly kind: 'ready' | 'shown' }
  | { readonly kind: 'failed'; readonly message: string }
  | {
      readonly kind: 'answered'
      /** Which frame of the order, from 0. */
      readonly index: number
      readonly label: string
      /** Of the patch that the answering network has; 0 as packed. */
      readonly version: number
      readonly uploads: number
      readonly bytesUp: number
      readonly adopted: number
    }

const WAIT_FOR_SERVER_MS = 10_000
/** Samples may take as much as they like: there is no slow link in this demo. */
const BYTES_PER_HOUR = 1e10

let device: Device

async function open({ id, broker, bundle, patchKey }: WeatherSetting): Promise<void> {
  const adaptation = { privacy: 'raw', bytesPerHour: BYTES_PER_HOUR, patchKey } as const
  const common = { id, broker, bundle, deadlineMs: 5000 }
  device = await connectDevice(patchKey === undefined ? common : { ...common, adaptation })
  if (!(await device.waitForServer(WAIT_FOR_SERVER_MS))) throw new Error('it did not find the server.')
  report({ kind: 'ready' })
}

async function show({ frames, fps }: WeatherOrder): Promise<void> {
  for (const [index, frame] of frames.entries()) {
    const beganMs = performance.now()
    const { top, modelVersion } = await device.infer(frame, { route: 'local' })
    const { uploads, patches } = device.stats.adaptation ?? {}
    report({
      kind: 'answered',
      index,
      label: top[0]?.label ?? '',
      version: modelVersion,
      uploads: uploads?.sent ?? 0,
      bytesUp: uploads?.sentBytes ?? 0,
      adopted: patches?.local?.adopted ?? 0,
    })
    await sleep(Math.max(1, 1000 / fps - (performance.now() - beganMs)))
  }
  report({ kind: 'shown' })
}

function report(what: WeatherReport): void {
  process.send?.(what)
}

process.on('message', (order: WeatherSetting | WeatherOrder) => {
  const done = order.kind === 'set' ? open(order) : show(order)
  done.catch((error: Error) => report({ kind: 'failed', message: error.message }))
})
// Without the demo there is nobody to work for.
process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole group: the demo itself decides what happens.
process.on('SIGINT', () => {})
