import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { mosquittoInstalled, startMosquitto } from './broker/mosquitto.test.support.ts'
import { SITE, WireDevice } from './device.test.support.ts'
import { BundleFolder } from './tails/bundle-folder.test.support.ts'

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url))
const FREE_PORTS = ['--mqtt-port', '0', '--ws-port', '0', '--http-port', '0']

let folder: BundleFolder
beforeAll(async () => {
  folder = await BundleFolder.make()
})
afterAll(() => folder.remove())

const running = new Set<ChildProcess>()
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

interface Ready {
  readonly mqttPort: number
  readonly httpPort: number
}

function edge(...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH: process.env.PATH } })
  running.add(child)
  let out = ''
  let err = ''
  let onLine: (line: string) => void = () => {}
  child.stdout.on('data', (text) => {
    out += text
    for (const line of String(text).split('\n')) onLine(line)
  })
  child.stderr.on('data', (text) => {
    err += text
  })
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on('close', (code) => {
      running.delete(child)
      resolve({ code, out, err })
    })
  })
  const ready = new Promise<Ready>((resolve, reject) => {
    onLine = (line) => {
      if (line.includes('"msg":"ready"')) resolve(JSON.parse(line) as Ready)
    }
    void ended.then(() => reject(new Error(`ended before it was ready: ${err}`)))
  })
  ready.catch(() => undefined)
  return { child, ready, ended }
}

const start = (...args: readonly string[]) => edge('--site', SITE, '--workers', '1', ...FREE_PORTS, ...args)

describe('isthmus-edge', () => {
  it('says when it is ready and where, serves, and ends with 0 on SIGTERM and on SIGINT', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const { child, ready, ended } = start('--bundles', folder.fast)
      const { mqttPort, httpPort } = await ready
      const response = await fetch(`http://127.0.0.1:${httpPort}/readyz`)
      expect(response.status).toBe(200)
      const camera = await WireDevice.connect(`mqtt://127.0.0.1:${mqttPort}`, 'cam')
      const id = camera.send(Uint8Array.of(1, 2, 3, 4), { bundle: folder.fastKey })
      expect(await camera.answer(id)).toEqual([10, 20])
      await camera.close()
      child.kill(signal)
      expect(await ended).toMatchObject({ code: 0, err: '' })
    }
  })

  it('answers what waits before it ends', async () => {
    const { child, ready, ended } = start('--bundles', folder.slow)
    const { mqttPort } = await ready
    const camera = await WireDevice.connect(`mqtt://127.0.0.1:${mqttPort}`, 'cam')
    await camera.hearsServer('state')
    const latent = Uint8Array.of(1, 2, 3, 4)
    const ids = Array.from({ length: 5 }, () => camera.send(latent, { bundle: folder.slowKey }))
    await camera.answer(ids[0]!)
    child.kill('SIGTERM')
    for (const id of ids.slice(1)) expect(await camera.answer(id)).toEqual([10, 20])
    await camera.hearsServer('state', (body) => body.kind === 'state' && body.presence === 'offline')
    expect(await ended).toMatchObject({ code: 0 })
    await camera.close()
  })

  it.skipIf(!mosquittoInstalled)('is said to be gone by a broker elsewhere when it is killed', async () => {
    const broker = await startMosquitto()
    const { child, ready, ended } = start('--bundles', folder.fast, '--broker', broker.url)
    expect((await ready).mqttPort).toBeUndefined()
    const camera = await WireDevice.connect(broker.url, 'cam')
    const birth = await camera.hearsServer('birth')
    child.kill('SIGKILL')
    const state = await camera.hearsServer(
      'state',
      (body) => body.kind === 'state' && body.presence === 'offline',
    )
    expect(state.envelope.boot).toBe(birth.envelope.boot)
    await ended
    await camera.close()
    await broker.stop()
  })

  it('takes its settings from a file, and prints them', async () => {
    const file = join(folder.fast, '..', 'edge.json')
    writeFileSync(file, JSON.stringify({ credits: 3, users: { cam: 'a-secret-word' } }))
    const { code, out } = await edge('--config', file, '--print-config').ended
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ credits: 3, mqttPort: 1883, users: { cam: '...' } })
  })

  it.each([
    ['an unknown flag', 2, () => edge('--bundels', 'x'), /did you mean "--bundles"/],
    ['an unreadable configuration', 2, () => edge('--config', '/none.json'), /\/none\.json cannot be read/],
    ['a missing folder of bundles', 1, () => start('--bundles', '/none'), /no folder \/none.*--bundles DIR/],
    [
      'a broker that is not there',
      1,
      () => start('--bundles', folder.fast, '--broker', 'mqtt://127.0.0.1:1'),
      /127\.0\.0\.1:1 does not answer.*Start that broker/,
    ],
  ])('ends with one line that says what to do: %s', async (_what, expected, run, message) => {
    const { code, err } = await run().ended
    expect(code).toBe(expected)
    expect(err).toMatch(/^isthmus-edge: [^\n]+\n$/)
    expect(err).toMatch(message)
  })

  it('ends with one line that says what to do: a port that is in use', async () => {
    const first = start('--bundles', folder.fast)
    const { mqttPort } = await first.ready
    const { code, err } = await start('--bundles', folder.fast, '--mqtt-port', String(mqttPort)).ended
    expect(code).toBe(1)
    expect(err).toMatch(
      /^isthmus-edge: 127\.0\.0\.1:\d+ \(mqttPort\) is in use.*choose another port[^\n]*\n$/,
    )
    first.child.kill('SIGTERM')
    await first.ended
  })

  it('ends by itself when it is told to while it starts', async () => {
    const broker = createServer((socket) => {
      socket.on('error', () => {})
      child.kill('SIGTERM')
      socket.destroy()
    })
    await new Promise<void>((resolve) => broker.listen(0, '127.0.0.1', resolve))
    const { port } = broker.address() as AddressInfo
    const { child, ended } = start('--bundles', folder.fast, '--broker', `mqtt://127.0.0.1:${port}`)
    expect(await ended).toMatchObject({ code: 1, err: expect.stringContaining('does not answer') })
    broker.close()
  })

  it('explains itself', async () => {
    const { code, out } = await edge('--help').ended
    expect(code).toBe(0)
    expect(out).toContain('isthmus-edge --bundles ./bundles')
  })
})
