import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { endsWithUs } from './children.ts'
import { DemoError } from './demo-error.ts'
import type { Answered, Ended, Order, Report, Setting, StreamOrder } from './orders.ts'

export interface StreamWatcher {
  /** The device is connected, and the first frame is about to be taken. */
  onBegin?(): void
  onAnswer(answered: Answered): void
}

/** The demo's side of the device process: gives it orders and hears its answers. */
export class DeviceProcess {
  readonly #child: ChildProcess

  constructor(setting: Omit<Setting, 'kind'>) {
    const program = fileURLToPath(new URL('device.js', import.meta.url))
    this.#child = endsWithUs(fork(program, { serialization: 'advanced' }))
    this.#send({ kind: 'set', ...setting })
  }

  /** Streams frames. Throws a DemoError when the device cannot. */
  stream(order: Omit<StreamOrder, 'kind'>, watcher: StreamWatcher): Promise<Ended> {
    const child = this.#child
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null, signal: string | null) =>
        reject(new DemoError(`The device process ended by itself (${signal ?? `code ${code}`}).`))
      const onReport = (report: Report) => {
        if (report.kind === 'begins') return watcher.onBegin?.()
        if (report.kind === 'answered') return watcher.onAnswer(report)
        child.off('message', onReport).off('exit', onExit)
        if (report.kind === 'ended') resolve(report)
        else reject(new DemoError(`The device could not go on: ${report.message}`))
      }
      child.on('message', onReport).on('exit', onExit)
      this.#send({ kind: 'stream', ...order })
    })
  }

  /** It ends when nobody is there to give it orders. */
  close(): void {
    this.#child.disconnect()
  }

  #send(order: Order): void {
    this.#child.send(order)
  }
}
