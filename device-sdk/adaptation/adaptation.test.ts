import { mkdtemp, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { publicKeyText } from '@isthmus/models/patch'
import { openSession } from '@isthmus/models/runtime'
import { familyKey, patchTopic, topic } from '@isthmus/proto'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { writeTinyBundle } from '../bundle.test.kit.ts'
import { connectDevice } from '../connect.ts'
import type { Device } from '../device.ts'
import { inputShape } from '../frame.ts'
import { MiniEdge } from '../mini-edge.test.kit.ts'
import { Normaliser } from '../normalise.ts'
import type { DeviceOptions } from '../options.ts'
import { Adaptation } from './adaptation.ts'
import type { AdaptationEvent } from './events.ts'
import { keys, patchesFor, shifted, writeAdaptableBundle } from './patched-bundle.test.kit.ts'
import type { Uploader } from './uploader.ts'

// Over a real broker, with real models, threads and files.

type Adaptable = Awaited<ReturnType<typeof writeAdaptableBundle>>
let adaptable: Adaptable
const cleanUps: (() => Promise<unknown>)[] = []
const frame = { data: Uint8Array.from({ length: 48 }, (_, at) => (at * 53) % 256), width: 4, height: 4 }
const patchKey = publicKeyText(keys.publicKey)

beforeAll(async () => {
  adaptable = await writeAdaptableBundle()
})
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function connect(
  edge: MiniEdge | undefined,
  adaptation: DeviceOptions['adaptation'],
  more: Partial<DeviceOptions> = {},
): Promise<Device> {
  const device = await connectDevice({
    id: 'cam-1',
    bundle: adaptable.dir,
    deadlineMs: 5000,
    reconnect: { minMs: 20, maxMs: 50 },
    ...(edge ? { broker: `mqtt://127.0.0.1:${edge.port}`, waitForServerMs: 10_000 } : {}),
    adaptation,
    ...more,
  })
  cleanUps.push(() => device.close())
  return device
}

async function openEdge(): Promise<MiniEdge> {
  const edge = await MiniEdge.open(adaptable.bundle)
  cleanUps.push(() => edge.close())
  return edge
}

function patches(role: 'local' | 'head' = 'local') {
  const { network, family, patch } = patchesFor(adaptable.bundle, role)
  const send = (edge: MiniEdge, version: number, name = patchTopic('default', family)) =>
    edge.sendPatch(name, { family: familyKey(family), version, epoch: 1 }, patch({ version }).bytes)
  const expected = async (version: number) => {
    const file = network.file(version === 0 ? network.base : shifted(network.base, version))
    const session = await openSession(file)
    const shape = inputShape(adaptable.bundle.manifest)
    const data = new Float32Array(48)
    new Normaliser(shape).into(frame.data, data)
    const { y } = await session.run({ x: { dtype: 'float32', dims: shape.dims, data } })
    await session.dispose()
    return [...(y!.data as Float32Array)]
  }
  return { send, expected, family }
}

const versionOf = (device: Device, role: 'local' | 'head' = 'local') =>
  device.stats.adaptation?.patches[role]?.version.version

describe('a device that adapts', () => {
  it('takes the retained patch when it comes late, and the next while it runs', async () => {
    const edge = await openEdge()
    const { send, expected } = patches()
    send(edge, 3)
    const device = await connect(edge, { patchKey })
    await vi.waitFor(() => expect(versionOf(device)).toBe(3), 10_000)
    const answer = await device.infer(frame, { route: 'local' })
    expect(answer).toMatchObject({ modelVersion: 3, modelEpoch: 1 })
    expect([...answer.output]).toEqual(await expected(3))
    send(edge, 4)
    await vi.waitFor(() => expect(versionOf(device)).toBe(4), 10_000)
    expect([...(await device.infer(frame, { route: 'local' })).output]).toEqual(await expected(4))
  })

  it('has ended all its threads when it has been closed, also the one that a patch has left idle', async () => {
    const edge = await openEdge()
    const { send } = patches()
    const told = vi.spyOn(Worker.prototype, 'postMessage')
    cleanUps.push(async () => told.mockRestore())
    const device = await connect(edge, { patchKey, guard: false, statistics: false })
    send(edge, 3)
    await vi.waitFor(() => expect(versionOf(device)).toBe(3), 10_000)
    await device.close()
    const workers = new Set(told.mock.contexts as Worker[])
    expect(workers.size).toBeGreaterThan(1)
    expect([...workers].map(({ threadId }) => threadId)).toEqual([...workers].map(() => -1))
  })

  it('waits for their end when it is closed', async () => {
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const adaptation = new Adaptation({
      privacy: 'nothing',
      outputKind: 'logits',
      uploader: { close: () => {} } as Uploader,
      models: [],
      isOnline: () => false,
      ended: () => ended,
    })
    let isClosed = false
    const closed = adaptation.close().then(() => {
      isClosed = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isClosed).toBe(false)
    end()
    await closed
  })

  it('goes on when the listener or the selector of its owner throws', async () => {
    const edge = await openEdge()
    const { send, expected } = patches()
    const broken = (): never => {
      throw new Error('a fault of the owner')
    }
    const warnings: Error[] = []
    const onWarning = (warning: Error) => warnings.push(warning)
    process.on('warning', onWarning)
    cleanUps.push(async () => process.off('warning', onWarning))
    const device = await connect(edge, {
      patchKey,
      privacy: 'raw',
      selector: { name: 'broken', judge: broken },
      onEvent: broken,
    })
    for (const version of [3, 4]) {
      send(edge, version)
      await vi.waitFor(() => expect(versionOf(device)).toBe(version), 10_000)
      const answer = await device.infer(frame, { route: 'local' })
      expect([...answer.output]).toEqual(await expected(version))
    }
    await vi.waitFor(() => expect(device.stats.adaptation?.uploads.passed['ranked-out']).toBe(2))
    // Once each, however often they throw.
    expect(warnings.filter(({ message }) => message.includes('a fault of the owner'))).toHaveLength(2)
  })

  it('answers every frame while patches come, each by one version', async () => {
    const edge = await openEdge()
    const { send, expected } = patches()
    const device = await connect(edge, { patchKey, guard: false, statistics: false })
    const outputs = await Promise.all(Array.from({ length: 9 }, (_, version) => expected(version)))
    const seen = new Set<number>()
    const answerBatch = async () => {
      const answers = await Promise.all(
        Array.from({ length: 3 }, () => device.infer(frame, { route: 'local' })),
      )
      for (const { output, modelVersion } of answers) {
        seen.add(modelVersion)
        expect([...output]).toEqual(outputs[modelVersion])
      }
    }
    for (let version = 1; version <= 8; version++) {
      send(edge, version)
      do await answerBatch()
      while (versionOf(device) !== version)
    }
    await answerBatch()
    expect(device.stats).toMatchObject({ failed: 0, late: 0 })
    expect(seen).toContain(8)
  }, 60_000)

  it('begins from the last good version after a start without a server; a damaged file costs the patch alone', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'isthmus-state-'))
    const edge = await openEdge()
    const { send, expected, family } = patches()
    send(edge, 2)
    const first = await connect(edge, { patchKey, guard: false }, { stateDir })
    await vi.waitFor(() => expect(versionOf(first)).toBe(2), 10_000)
    await first.close()
    const second = await connect(undefined, { patchKey }, { stateDir })
    const answer = await second.infer(frame)
    expect(answer).toMatchObject({ route: 'local', modelVersion: 2 })
    expect([...answer.output]).toEqual(await expected(2))
    await second.close()
    const file = (await readdir(stateDir)).find((name) => name.startsWith('patch-'))!
    expect(file).toBe(`patch-${family.slice(0, 8)}`)
    await writeFile(join(stateDir, file), 'rubbish')
    const third = await connect(undefined, { patchKey }, { stateDir })
    expect(await third.infer(frame)).toMatchObject({ modelVersion: 0 })
  })

  it('takes no patch without a key, and none from its own topic that is not signed', async () => {
    const edge = await openEdge()
    const { send, family } = patches()
    send(edge, 1)
    const events: AdaptationEvent[] = []
    const open = await connect(edge, { privacy: 'raw' }, { id: 'cam-2' })
    const device = await connect(edge, { patchKey, onEvent: (event) => events.push(event) })
    await vi.waitFor(() => expect(versionOf(device)).toBe(1), 10_000)
    expect(open.stats.adaptation?.patches).toEqual({})
    expect(await open.infer(frame, { route: 'local' })).toMatchObject({ modelVersion: 0 })
    const named = { family: familyKey(family), version: 2, epoch: 1 }
    edge.sendPatch(topic('default', 'cam-1', 'patch'), named, new Uint8Array(200), false)
    await vi.waitFor(
      () => expect(events.at(-1)).toMatchObject({ kind: 'refused', code: 'PATCH_MALFORMED' }),
      10_000,
    )
    expect(await device.infer(frame, { route: 'local' })).toMatchObject({ modelVersion: 1 })
    await vi.waitFor(
      () =>
        expect(edge.samples.at(-1)?.body).toMatchObject({
          kind: 'patchRequest',
          reason: 'damaged',
          version: 1,
        }),
      10_000,
    )
  })

  it('names the version of a patched head, and answers locally where the tail does not fit', async () => {
    const edge = await openEdge()
    const { send } = patches('head')
    const device = await connect(edge, { patchKey })
    expect(await device.infer(frame, { route: 'split' })).toMatchObject({ route: 'split', modelVersion: 0 })
    send(edge, 5)
    await vi.waitFor(() => expect(versionOf(device, 'head')).toBe(5), 10_000)
    const alone = await device.infer(frame, { route: 'split' })
    expect(alone).toMatchObject({ route: 'local', fallback: 'PATCH_MISMATCH', modelVersion: 0 })
    await vi.waitFor(
      () =>
        expect(edge.samples.at(-1)?.body).toMatchObject({ kind: 'patchRequest', reason: 'gap', version: 5 }),
      10_000,
    )
    edge.followsPatches = true
    const together = await device.infer(frame, { route: 'split' })
    expect(together).toMatchObject({ route: 'split', modelVersion: 5, modelEpoch: 1 })
    edge.tailVersion = 4
    const apart = await device.infer(frame, { route: 'split' })
    expect(apart).toMatchObject({ route: 'local', fallback: 'PATCH_MISMATCH' })
  })

  it("names the server's tail where that alone has changed", async () => {
    const edge = await openEdge()
    edge.followsPatches = true
    edge.tailVersion = 9
    const device = await connect(edge, { patchKey })
    expect(await device.infer(frame, { route: 'split' })).toMatchObject({ route: 'split', modelVersion: 9 })
  })

  it('sends pictures over the wire where that is wished', async () => {
    const edge = await openEdge()
    const every = { name: 'all', judge: () => ({ upload: true, worth: 0 }) as const }
    const device = await connect(edge, { privacy: 'raw', selector: every, bytesPerHour: 1e9 })
    await vi.waitFor(async () => {
      await device.infer(frame, { route: 'local' })
      expect(edge.samples.length).toBeGreaterThan(0)
    }, 10_000)
    const { body, payload } = edge.samples[0]!
    expect(body).toMatchObject({ kind: 'sample', number: 1, input: 'pixels', dims: [4, 4, 3] })
    expect([...payload]).toEqual([...frame.data])
  })

  it.each([
    ['raw', 1],
    ['latents', 1],
    ['nothing', 0],
  ] as const)(
    'with privacy %s tells the server %i times what its frames are like',
    async (privacy, times) => {
      const edge = await openEdge()
      const none = { name: 'none', judge: () => ({ upload: false, why: 'certain' }) as const }
      const statistics = { frames: 8, busyShare: 1 }
      const device = await connect(edge, { privacy, selector: none, bytesPerHour: 1e9, statistics })
      await vi.waitFor(async () => {
        await device.infer({ ...frame, data: frame.data.map((value) => 255 - value) }, { route: 'local' })
        await device.infer(frame, { route: 'local' })
        expect(device.stats.adaptation!.statistics!.batches).toBeGreaterThan(0)
        expect(edge.samples.length).toBeGreaterThanOrEqual(times)
      }, 10_000)
      const told = edge.samples.filter(({ body }) => body.kind === 'sample' && body.input === 'statistics')
      expect(told).toHaveLength(times)
      // Three channels, a half each for mean and variance.
      for (const { payload } of told) expect(payload).toHaveLength(12)
    },
  )

  it('takes statistics also where the answer is not the first output of its network', async () => {
    const { dir } = await writeAdaptableBundle(true)
    const events: AdaptationEvent[] = []
    const statistics = { frames: 8, busyShare: 1 }
    const adaptation = { statistics, onEvent: (event: AdaptationEvent) => events.push(event) }
    const device = await connect(undefined, adaptation, { bundle: dir })
    await vi.waitFor(async () => {
      await device.infer({ ...frame, data: frame.data.map((value) => 255 - value) })
      await device.infer(frame)
      expect(device.stats.adaptation!.statistics!.batches).toBeGreaterThan(0)
    }, 10_000)
    expect(events.filter((event) => event.kind === 'statistics' && event.what === 'refused')).toEqual([])
  })

  it('says so when its network has no layers whose statistics could be taken, and answers as ever', async () => {
    const { dir } = await writeTinyBundle()
    const events: AdaptationEvent[] = []
    const statistics = {}
    const adaptation = { statistics, onEvent: (event: AdaptationEvent) => events.push(event) }
    const device = await connect(undefined, adaptation, { bundle: dir })
    expect(await device.infer(frame)).toMatchObject({ route: 'local', modelVersion: 0 })
    expect(device.stats.adaptation!.statistics).toMatchObject({
      inUse: 'packed',
      off: expect.stringMatching(/no normalisation layers/),
    })
    expect(events).toMatchObject([{ kind: 'statistics', what: 'off' }])
    // Without a key they are not taken unless they are asked for.
    const other = await connect(undefined, { privacy: 'nothing' }, { id: 'cam-2' })
    expect(other.stats.adaptation!.statistics).toBeUndefined()
  })

  it('sends pictures of frames that a tail has answered only where that is wished, too', async () => {
    const every = { name: 'all', judge: () => ({ upload: true, worth: 0 }) as const }
    const seenBy = async (adaptation: object) => {
      const edge = await openEdge()
      const device = await connect(edge, {
        privacy: 'raw',
        selector: every,
        bytesPerHour: 1e9,
        ...adaptation,
      })
      for (let at = 0; at < 3; at++)
        expect(await device.infer(frame, { route: 'split' })).toMatchObject({ route: 'split' })
      const { seen } = device.stats.adaptation!.uploads
      if (seen > 0) await vi.waitFor(() => expect(edge.samples.length).toBe(3), 10_000)
      return { seen, inputs: edge.samples.map(({ body }) => body.kind === 'sample' && body.input) }
    }
    expect(await seenBy({})).toEqual({ seen: 0, inputs: [] })
    const pixels = { seen: 3, inputs: ['pixels', 'pixels', 'pixels'] }
    expect(await seenBy({ learnFrom: 'split-too' })).toEqual(pixels)
    expect(await seenBy({ learnFrom: 'split-too', privacy: 'latents' })).toEqual({ seen: 0, inputs: [] })
  })

  it('says what is wrong with its options', async () => {
    const bad = async (adaptation: object, message: RegExp, code = 'BAD_OPTIONS') => {
      const asked = connect(undefined, adaptation as DeviceOptions['adaptation'])
      await expect(asked).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    }
    await bad({ privacy: 'everything' }, /privacy/)
    await bad({ patchkey: 'x' }, /patchKey/)
    await bad({ patchKey: 'not a key' }, /patchKey/)
    await bad({ selector: 'random' }, /selector/)
    await bad({ patchKey, probes: { frames: [{ frame, label: 'house' }] } }, /house/)
  })
})
