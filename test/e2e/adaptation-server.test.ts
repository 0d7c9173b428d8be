import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { adaptableNetwork } from '@isthmus/models/adapt'
import { seededRandom } from '@isthmus/models/data'
import { readModel } from '@isthmus/models/onnx'
import { applyPatch, decodePatch, type PatchVersion, readPublicKey } from '@isthmus/models/patch'
import {
  type BodyFields,
  decodeMessage,
  encodeMessage,
  familyKey,
  type Patch,
  patchTopic,
  topic,
} from '@isthmus/proto'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type AdaptableBundle, writeAdaptableBundle } from './adaptable-bundle.ts'
import { EdgeDaemon, runToEnd } from './edge-daemon.ts'

const SITE = 'default'
const random = seededRandom(4)
const image = (): Uint8Array => Uint8Array.from({ length: 3072 }, () => random.below(256))

/** A device that uploads, and hears patches: the family's and its own. */
class Uploader {
  readonly patches: { readonly version: number; readonly bytes: Uint8Array; readonly topic: string }[] = []
  readonly #mqtt: MqttClient
  readonly #id: string
  readonly #family: number

  private constructor(client: MqttClient, id: string, family: number) {
    this.#mqtt = client
    this.#id = id
    this.#family = family
    client.on('error', () => {})
    client.on('message', (name, packet) => {
      const { body, payload } = decodeMessage(packet)
      this.patches.push({ version: (body as Patch).version, bytes: payload.slice(), topic: name })
    })
  }

  static async connect(port: number, id: string, family: string): Promise<Uploader> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: id, reconnectPeriod: 0 })
    const uploader = new Uploader(client, id, familyKey(family))
    await client.subscribeAsync([patchTopic(SITE, family), topic(SITE, id, 'patch')], { qos: 1 })
    return uploader
  }

  async say(body: BodyFields, payload: Uint8Array = new Uint8Array(0)): Promise<void> {
    await this.sendRaw(encodeMessage({ envelope: { boot: 3 }, body }, payload))
  }

  async sendRaw(packet: Uint8Array): Promise<void> {
    await this.#mqtt.publishAsync(topic(SITE, this.#id, 'sample'), Buffer.from(packet), { qos: 1 })
  }

  async upload(number: number, changes: Record<string, unknown> = {}, pixels = image()): Promise<void> {
    const fields = {
      family: this.#family,
      number,
      input: 'pixels',
      dims: [32, 32, 3],
      entropy: 0.4,
      ...changes,
    }
    await this.say({ kind: 'sample', ...fields } as BodyFields, pixels)
  }

  async uploads(from: number, to: number): Promise<void> {
    for (let number = from; number <= to; number++) await this.upload(number)
  }

  request(reason: 'start' | 'gap' | 'damaged', version = 0): Promise<void> {
    return this.say({ kind: 'patchRequest', family: this.#family, reason, version })
  }

  end(): Promise<void> {
    return this.#mqtt.endAsync(true)
  }
}

let bundle: AdaptableBundle
beforeAll(async () => {
  bundle = await writeAdaptableBundle()
})
afterAll(() => rm(bundle.folder, { recursive: true }))

const opened: { end(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of opened.splice(0)) await one.end()
})

const stateFolder = (name: string) => join(bundle.folder, `state-${name}`)

async function start(name: string): Promise<EdgeDaemon> {
  const pace = ['--adapt-every-steps', '1', '--adapt-every-ms', '1', '--adapt-save-ms', '1']
  const keep = ['--adapt-keep', 'samples', '--adapt-uploads-per-second', '1000']
  const daemon = await EdgeDaemon.start(join(bundle.folder, 'adaptable'), [
    ...['--mqtt-port', '0', '--adapt', stateFolder(name)],
    ...pace,
    ...keep,
  ])
  opened.push({ end: () => daemon.kill() })
  return daemon
}

async function device(daemon: EdgeDaemon, id = 'cam'): Promise<Uploader> {
  const uploader = await Uploader.connect(daemon.mqttPort, id, bundle.family)
  opened.push(uploader)
  return uploader
}

const wait = (what: () => Promise<void> | void) => vi.waitFor(what, { timeout: 60_000, interval: 50 })

/** What a device makes of a patch. */
async function taken(name: string, bytes: Uint8Array, current: PatchVersion) {
  const { layout, source } = adaptableNetwork(readModel(bundle.bundle.modelBytes('local')))
  const text = await readFile(join(stateFolder(name), 'signing-key.pub'), 'utf8')
  const patch = decodePatch(bytes, {
    layout,
    family: Buffer.from(bundle.family, 'hex'),
    publicKey: readPublicKey(text),
    current,
    nowS: Date.now() / 1000,
  })
  return { header: patch.header, parameters: applyPatch(patch, { base: source, current: source }), source }
}

describe('a server that adapts', { timeout: 180_000 }, () => {
  it('learns from uploads, and sends out patches that a device can trust', async () => {
    const daemon = await start('learns')
    const camera = await device(daemon)
    await camera.uploads(1, 40)
    await wait(() => expect(camera.patches.length).toBeGreaterThan(0))
    const [{ bytes, version }] = camera.patches as [(typeof camera.patches)[0]]
    const { header, parameters, source } = await taken('learns', bytes, { epoch: 0, version: 0 })
    expect(header).toMatchObject({ version, against: 0 })
    expect(parameters).not.toEqual(source)
    expect((await stat(join(stateFolder('learns'), 'signing-key.pem'))).mode & 0o777).toBe(0o600)
    // Who comes late finds the newest at the family's topic, and gets it again by asking.
    const late = await device(daemon, 'late')
    await wait(() => expect(late.patches.length).toBeGreaterThan(0))
    await late.request('damaged')
    await wait(() => expect(late.patches.at(-1)?.topic).toBe(topic(SITE, 'late', 'patch')))
  })

  it('learns once from what is delivered twice, refuses what is wrong, and goes on serving', async () => {
    const daemon = await start('refuses')
    const camera = await device(daemon)
    await camera.uploads(1, 3)
    await camera.uploads(1, 3)
    await camera.upload(10, { dims: [16, 64, 3] })
    await camera.upload(11, { dims: [2, 2, 3] }, new Uint8Array(12))
    await camera.upload(12, { family: 1 })
    await camera.upload(13, { input: 'latent', dims: [] })
    await camera.sendRaw(Buffer.from('nonsense'))
    const packet = encodeMessage({ envelope: {}, body: { kind: 'birth', software: 'x' } })
    await camera.sendRaw(packet)
    await wait(async () => expect(await daemon.metric('adapt_unreadable_total')).toBe(2))
    const outcome = (name: string) => daemon.metric('adapt_uploads_total', { outcome: name })
    expect(await outcome('taken')).toBe(3)
    expect(await outcome('repeated')).toBe(3)
    expect(await outcome('wrong-size')).toBe(2)
    expect(await outcome('not-offered')).toBe(1)
    expect(await daemon.metric('adapt_strange_family_total')).toBe(1)
    expect(await daemon.healthy()).toBe(true)
  })

  it('says in one line that its folder cannot be used', async () => {
    const file = join(bundle.folder, 'a-file')
    await writeFile(file, '')
    const flags = ['--bundles', join(bundle.folder, 'adaptable'), '--mqtt-port', '0', '--adapt', file]
    const { code, stderr } = await runToEnd(flags)
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^isthmus-edge: What is learned cannot be kept: .*EEXIST.* Set adapt to a folder .*\n$/,
    )
  })

  it('goes on where it was when it is killed in the middle of a step: no version twice, no upload twice', async () => {
    const first = await start('killed')
    const camera = await device(first)
    await camera.uploads(1, 64)
    await wait(async () => {
      expect(await first.metric('adapt_saves_total')).toBeGreaterThan(0)
      expect(camera.patches.length).toBeGreaterThan(0)
    })
    // More than it can have done when it ends.
    await camera.uploads(65, 200)
    await first.kill()
    const before = camera.patches.at(-1)!
    const second = await start('killed')
    const again = await device(second)
    await wait(() => expect(again.patches.length).toBeGreaterThan(0))
    const found = again.patches[0]!
    const held = await taken('killed', before.bytes, { epoch: 0, version: 0 })
    // The last that was heard, or one that was written down and not heard any more.
    expect(found.version).toBeGreaterThanOrEqual(before.version)
    if (found.version === before.version) expect(found.bytes).toEqual(before.bytes)
    await again.uploads(1, 1)
    await wait(async () =>
      expect(await second.metric('adapt_uploads_total', { outcome: 'repeated' })).toBe(1),
    )
    await again.uploads(1001, 1064)
    await wait(() => expect(again.patches.at(-1)!.version).toBeGreaterThan(found.version))
    const next = await taken('killed', again.patches.at(-1)!.bytes, held.header)
    expect(next.header.epoch).toBe(held.header.epoch)
  })
})
