import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('main.js', import.meta.resolve('@isthmus/edge-server')))

function launch(flags: readonly string[]): ChildProcess {
  const settings = Object.keys(process.env).filter((name) => name.startsWith('ISTHMUS_EDGE_'))
  const env = { ...process.env, ...Object.fromEntries(settings.map((name) => [name, undefined])) }
  return spawn(process.execPath, [program, ...flags], { stdio: ['ignore', 'pipe', 'pipe'], env })
}

/** Runs `isthmus-edge` until it ends by itself. */
export function runToEnd(flags: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  const child = launch(flags)
  let stderr = ''
  child.stdout!.resume()
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr })))
}

/** The real daemon, as a process of its own. */
export class EdgeDaemon {
  readonly mqttPort: number
  readonly #httpPort: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, ready: { mqttPort: number; httpPort: number }) {
    this.#child = child
    this.mqttPort = ready.mqttPort
    this.#httpPort = ready.httpPort
  }

  /** Resolves when it is ready; rejects with what it wrote when it ends before that. */
  static start(
    folder: string,
    flags: readonly string[],
    models: 'bundles' | 'pipelines' = 'bundles',
  ): Promise<EdgeDaemon> {
    const common = [`--${models}`, folder, '--http-port', '0', '--ws-port', 'off', '--workers', '1']
    const child = launch([...common, ...flags])
    let written = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      written += text
    })
    return new Promise((resolve, reject) => {
      child.once('close', (code) => reject(new Error(`isthmus-edge ended with ${code}: ${written}`)))
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const entry = JSON.parse(line)
        if (entry.msg === 'ready') resolve(new EdgeDaemon(child, entry))
      })
    })
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** It stops in the middle of whatever it does, and its connections stay open. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  kill(): Promise<void> {
    return ended(this.#child, 'SIGKILL')
  }

  /** One number of /metrics; without labels the sum over all of them. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#httpPort}/metrics`)).text()
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
    let sum = 0
    for (const line of text.split('\n')) {
      const [, series, given = '', value] = /^isthmus_edge_(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      if (series === name && wanted.every((label) => given.includes(label))) sum += Number(value)
    }
    return sum
  }

  async healthy(): Promise<boolean> {
    return this.running && (await fetch(`http://127.0.0.1:${this.#httpPort}/readyz`)).ok
  }
}

/** Sends a signal and waits until the process is gone. */
export function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}
