import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const daemon = fileURLToPath(new URL('../bin/isthmus-edge.js', import.meta.resolve('@isthmus/edge-server')))

const PACKETS_PER_SECOND = 10_000

/** The daemon as a user starts it, on free ports of this machine. */
export class EdgeProcess {
  readonly brokerUrl: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, mqttPort: number) {
    this.#child = child
    this.brokerUrl = `mqtt://127.0.0.1:${mqttPort}`
  }

  /** `settings`: flags beside those that the bench needs. */
  static async start(
    bundlesFolder: string,
    workers: number,
    settings: readonly string[] = [],
  ): Promise<EdgeProcess> {
    const flags = ['--bundles', bundlesFolder, '--workers', String(workers), '--intra-op-threads', '1']
    const ports = ['--mqtt-port', '0', '--ws-port', 'off', '--http-port', 'off']
    // One device after another sends as fast as it is answered: more often than the default lets a device.
    const rate = ['--packets-per-second', String(PACKETS_PER_SECOND)]
    const child = spawn(process.execPath, [daemon, ...flags, ...ports, ...rate, ...settings], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = once(child, 'exit').then(([code]) => {
      throw new Error(`isthmus-edge ended with code ${code} before it was ready.`)
    })
    const mqttPort = await Promise.race([readyPort(child), gone])
    gone.catch(() => {})
    return new EdgeProcess(child, mqttPort)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }
}

/** The port in the log line that says the server is ready. */
async function readyPort(child: ChildProcess): Promise<number> {
  const lines = createInterface({ input: child.stdout! })
  return new Promise((resolve) => {
    lines.on('line', (line) => {
      const entry = JSON.parse(line) as { msg?: string; mqttPort?: number; level?: number }
      if (entry.msg === 'ready' && entry.mqttPort !== undefined) resolve(entry.mqttPort)
      else if ((entry.level ?? 0) >= 40) process.stderr.write(`${line}\n`)
    })
  })
}
