import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { endsWithUs } from './children.ts'
import { DemoError } from './demo-error.ts'
import type { WeatherOrder, WeatherReport, WeatherSetting } from './weather-device.ts'

export type WeatherAnswer = Extract<WeatherReport, { kind: 'answered' }>

/** The demo's side of a device process of the weather demo. */
export class WeatherCamera {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves when the device has found the server. Throws a DemoError when it cannot. */
  static async start(setting: Omit<WeatherSetting, 'kind'>): Promise<WeatherCamera> {
    const program = fileURLToPath(new URL('weather-device.js', import.meta.url))
    // That raw pictures are sent is said by the demo itself.
    const child = fork(program, { serialization: 'advanced', execArgv: ['--no-warnings'] })
    const camera = new WeatherCamera(endsWithUs(child))
    await camera.#ask({ kind: 'set', ...setting }, 'ready', () => {})
    return camera
  }

  /** Resolves when all frames are answered. */
  show(order: Omit<WeatherOrder, 'kind'>, onAnswer: (answer: WeatherAnswer) => void): Promise<void> {
    return this.#ask({ kind: 'show', ...order }, 'shown', onAnswer)
  }

  /** It ends when nobody is there to give it orders. */
  close(): void {
    this.#child.disconnect()
  }

  #ask(
    order: WeatherSetting | WeatherOrder,
    end: 'ready' | 'shown',
    onAnswer: (answer: WeatherAnswer) => void,
  ): Promise<void> {
    const child = this.#child
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null, signal: string | null) =>
        reject(new DemoError(`A device process ended by itself (${signal ?? `code ${code}`}).`))
      const onReport = (report: WeatherReport) => {
        if (report.kind === 'answered') return onAnswer(report)
        child.off('message', onReport).off('exit', onExit)
        if (report.kind === 'failed') reject(new DemoError(`A device could not go on: ${report.message}`))
        else if (report.kind === end) resolve()
      }
      child.on('message', onReport).on('exit', onExit)
      child.send(order)
    })
  }
}
