import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const BINARY = '/usr/sbin/mosquitto'

/** Whether Debian's package `mosquitto` is installed. */
export const mosquittoInstalled: boolean = existsSync(BINARY)

export interface Mosquitto {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/**
 * Starts Mosquitto on a port of its own (or a given one) and waits until it accepts connections.
 *
 * @param accessRules an ACL file's text; without it everybody may do everything
 */
export async function startMosquitto(givenPort?: number, accessRules?: string): Promise<Mosquitto> {
  const port = givenPort ?? (await freePort())
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-mosquitto-'))
  const config = join(folder, 'mosquitto.conf')
  const rulesFile = join(folder, 'acl')
  if (accessRules !== undefined) writeFileSync(rulesFile, accessRules, { mode: 0o600 })
  const rules = accessRules === undefined ? '' : `acl_file ${rulesFile}\n`
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nuser root\n${rules}`)
  const child = spawn(BINARY, ['-c', config], { stdio: 'ignore' })
  await accepting(port, child)
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    stop: async () => {
      await ended(child)
      rmSync(folder, { recursive: true })
    },
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

async function accepting(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('close', () => socket.destroy())
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`Mosquitto ended with code ${child.exitCode}`)
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
