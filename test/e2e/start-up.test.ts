import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectDevice } from '@isthmus/device-sdk'
import { beforeAll, describe, expect, it } from 'vitest'
import { runToEnd } from './edge-daemon.ts'
import { freePort } from './mosquitto.ts'
import { type TinyBundle, writeTinyBundle } from './tiny-bundle.ts'

let tiny: TinyBundle
beforeAll(async () => {
  tiny = await writeTinyBundle()
})

/** A copy of the bundle with one bit flipped in one of its files. */
function changed(file: string): string {
  const copy = join(mkdtempSync(join(tmpdir(), 'isthmus-e2e-')), 'changed')
  cpSync(tiny.dir, copy, { recursive: true })
  const bytes = readFileSync(join(copy, file))
  bytes[bytes.length >> 1]! ^= 1
  writeFileSync(join(copy, file), bytes)
  return copy
}

const quiet = ['--http-port', '0', '--ws-port', 'off']

/** Runs a server that cannot start; returns the one line that it leaves. */
async function complaint(...flags: string[]): Promise<string> {
  const { code, stderr } = await runToEnd([...quiet, ...flags])
  expect(code).not.toBe(0)
  expect(stderr).toMatch(/^isthmus-edge: [^\n]+\n$/)
  return stderr
}

describe('a server that cannot start leaves one line that says what to do', () => {
  it('names the file of a bundle that was changed', async () => {
    const folder = changed('tail.onnx')
    const line = await complaint('--bundles', folder, '--mqtt-port', '0')
    expect(line).toContain(folder)
    expect(line).toContain('tail.onnx')
  })

  it('names the port that is in use', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as AddressInfo
    const line = await complaint('--bundles', tiny.dir, '--mqtt-port', `${port}`)
    expect(line).toContain(`127.0.0.1:${port}`)
    expect(line).toMatch(/choose another port/)
    holder.close()
  })

  it('names the broker that is not there', async () => {
    const port = await freePort()
    const line = await complaint('--bundles', tiny.dir, '--broker', `mqtt://127.0.0.1:${port}`)
    expect(line).toContain(`127.0.0.1:${port}`)
    expect(line).toMatch(/Start that broker/)
  })

  it('names a configuration that cannot be read', async () => {
    const missing = join(tiny.dir, 'none.json')
    expect(await complaint('--config', missing)).toContain(missing)
    const broken = join(tiny.dir, '..', 'broken.json')
    writeFileSync(broken, '{ "mqttPort": 18')
    expect(await complaint('--config', broken)).toContain(`${broken} is not JSON`)
  })
})

it('a device refuses a bundle with a changed file, and names it', async () => {
  const connecting = connectDevice({ id: 'cam-1', bundle: changed('head.onnx') })
  await expect(connecting).rejects.toMatchObject({
    code: 'BUNDLE_FILE_CHANGED',
    message: expect.stringContaining('head.onnx'),
  })
})
