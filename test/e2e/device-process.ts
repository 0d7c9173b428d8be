import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { AnswerRecord, DeviceOrder, DeviceReport } from './device-orders.ts'
import { ended } from './edge-daemon.ts'
import type { Stall } from './stalls.ts'

type Awaited<Kind> = Extract<DeviceReport, { kind: Kind }>

/** A test's side of a device process. */
export class DeviceProcess {
  readonly #child: ChildProcess
  /** Everything that was answered, in the order in which it was. */
  readonly answers: AnswerRecord[] = []
  readonly stalls: Stall[] = []
  /** Longest delay of the device's event loop while it streamed. */
  eventLoopMaxMs = 0
  #onAnswer: () => void = () => {}

  private constructor() {
    const program = fileURLToPath(new URL('device-main.js', import.meta.url))
    this.#child = fork(program, { serialization: 'advanced' })
    this.#child.on('message', (report: DeviceReport) => {
      if (report.kind !== 'answered') return
      this.answers.push(report.record)
      this.#onAnswer()
    })
  }

  /** Resolves when the device has found its server. */
  static async start(options: Extract<DeviceOrder, { kind: 'connect' }>['options']): Promise<DeviceProcess> {
    const device = new DeviceProcess()
    const { ready } = await device.#ask({ kind: 'connect', options }, 'server')
    if (!ready) throw new Error('the device has not found its server')
    return device
  }

  async stream(frames: number, intervalMs: number, mode: number): Promise<void> {
    const { stalls, eventLoopMaxMs } = await this.#ask(
      { kind: 'stream', frames, intervalMs, mode },
      'streamed',
    )
    this.stalls.push(...stalls)
    this.eventLoopMaxMs = Math.max(this.eventLoopMaxMs, eventLoopMaxMs)
  }

  /** Resolves when so many frames have been answered. */
  answered(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#onAnswer = () => {
        if (this.answers.length >= count) resolve()
      }
      this.#onAnswer()
    })
  }

  async waitForServer(): Promise<boolean> {
    return (await this.#ask({ kind: 'wait' }, 'server')).ready
  }

  async shiftWallClock(ms: number): Promise<void> {
    await this.#ask({ kind: 'shift wall clock', ms }, 'shifted')
  }

  stats(): Promise<Awaited<'stats'>> {
    return this.#ask({ kind: 'stats' }, 'stats')
  }

  end(): Promise<void> {
    return ended(this.#child, 'SIGKILL')
  }

  #ask<Kind extends DeviceReport['kind']>(order: DeviceOrder, awaited: Kind): Promise<Awaited<Kind>> {
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('the device process has ended'))
      const onReport = (report: DeviceReport) => {
        if (report.kind === 'answered') return
        this.#child.off('message', onReport).off('exit', onExit)
        if (report.kind === awaited) resolve(report as Awaited<Kind>)
        else
          reject(new Error(report.kind === 'failed' ? report.message : `unexpected report: ${report.kind}`))
      }
      this.#child.on('message', onReport).on('exit', onExit)
      this.#child.send(order)
    })
  }
}
