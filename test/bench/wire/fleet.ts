import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export type FleetOrder =
  | { readonly kind: 'run'; readonly bundle: number; readonly rampMs: number; readonly durationMs: number }
  | { readonly kind: 'close' }

export interface FleetReport {
  /** Replies of each device within the window. */
  readonly answered: readonly number[]
  readonly errors: Readonly<Record<string, number>>
  readonly elapsedMs: number
}

/** Light devices in one process beside the server. */
export class Fleet {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(brokerUrl: string, devices: number): Promise<Fleet> {
    const main = fileURLToPath(new URL('./fleet-main.js', import.meta.url))
    const child = fork(main, [brokerUrl, String(devices)])
    await Fleet.#next(child)
    return new Fleet(child)
  }

  /** All devices ask for an answer of `bundle` for `rampMs`, then for the `durationMs` that count. */
  async run(bundle: number, rampMs: number, durationMs: number): Promise<FleetReport> {
    const order: FleetOrder = { kind: 'run', bundle, rampMs, durationMs }
    this.#child.send(order)
    return (await Fleet.#next(this.#child)) as FleetReport
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    const order: FleetOrder = { kind: 'close' }
    this.#child.send(order)
    await ended
  }

  static #next(child: ChildProcess): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) =>
        reject(new Error(`The process of the devices ended with code ${code}.`))
      child.once('exit', ended)
      child.once('message', (message) => {
        child.off('exit', ended)
        resolve(message)
      })
    })
  }
}
