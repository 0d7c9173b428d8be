import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ended } from './edge-daemon.ts'

const BINARY = '/usr/sbin/mosquitto'

/** Whether Debian's package `mosquitto` is there; without it the tests that need it are skipped. */
export const mosquittoInstalled: boolean = existsSync(BINARY)

/** Mosquitto, as a process of its own. */
export class Mosquitto {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  /** Resolves when it accepts connections. `accessRules`: an ACL file's text; without it everybody may do everything. */
  static async start(givenPort?: number, accessRules?: string): Promise<Mosquitto> {
    const port = givenPort ?? (await freePort())
    const folder = mkdtempSync(join(tmpdir(), 'isthmus-mosquitto-'))
    const config = join(folder, 'mosquitto.conf')
    let rules = ''
    if (accessRules !== undefined) {
      writeFileSync(join(folder, 'acl'), accessRules, { mode: 0o600 })
      rules = `user root\nacl_file ${join(folder, 'acl')}\n`
    }
    writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n${rules}`)
    const child = spawn(BINARY, ['-c', config], { stdio: 'ignore' })
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`Mosquitto ended with code ${child.exitCode}`)
      await sleep(20)
    }
    return new Mosquitto(child, port)
  }

  kill(): Promise<void> {
    return ended(this.#child, 'SIGKILL')
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
