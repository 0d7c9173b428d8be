import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endsWithUs } from './children.ts'
import { DemoError } from './demo-error.ts'

/** The daemon `isthmus-edge`, as its own process. */
export class EdgeProcess {
  readonly mqttPort: number
  readonly httpPort: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, ready: { mqttPort: number; httpPort: number }) {
    this.#child = child
    this.mqttPort = ready.mqttPort
    this.httpPort = ready.httpPort
  }

  /** Starts a server for a bundle, or for a folder of pipelines, on this machine. Resolves when it is ready; port 0 takes a free one; `more`: flags. */
  static async start(
    folder: string,
    mqttPort = 0,
    models: 'bundles' | 'pipelines' = 'bundles',
    more: readonly string[] = [],
  ): Promise<EdgeProcess> {
    const program = fileURLToPath(new URL('main.js', import.meta.resolve('@isthmus/edge-server')))
    const flags = [
      `--${models}`,
      folder,
      '--mqtt-port',
      `${mqttPort}`,
      '--http-port',
      '0',
      '--ws-port',
      'off',
      ...more,
    ]
    const child = endsWithUs(
      spawn(process.execPath, [program, ...flags], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: withoutSettings(),
      }),
    )
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) =>
        reject(new DemoError(complaint.trim() || `The edge server ended with code ${code}.`)),
      )
      createInterface({ input: child.stdout }).on('line', (line) => {
        const entry = readLogLine(line)
        if (entry?.msg === 'ready') resolve(new EdgeProcess(child, entry))
      })
    })
  }

  /** One number of /metrics, the sum over all its labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.httpPort}/metrics`)).text()
    const values = text.matchAll(new RegExp(`^isthmus_edge_${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))
    return [...values].reduce((sum, [, value]) => sum + Number(value), 0)
  }

  /** Ends it without a word, as a power cut would. Resolves when it is gone. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Lets it finish what it has. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
    return new Promise((resolve) => {
      child.once('exit', () => resolve())
      child.kill(signal)
    })
  }
}

function readLogLine(line: string): { msg: string; mqttPort: number; httpPort: number } | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** The environment without settings for a server: the demo's own should count. */
function withoutSettings(): NodeJS.ProcessEnv {
  const settings = Object.keys(process.env).filter((name) => name.startsWith('ISTHMUS_EDGE_'))
  return { ...process.env, ...Object.fromEntries(settings.map((name) => [name, undefined])) }
}
