import { type AddressInfo, createServer } from 'node:net'
import { EDGE_ID, encodeMessage, MAX_MESSAGE_BYTES, topic, wireErrorCodeOf } from '@isthmus/proto'
import { Aedes } from 'aedes'
import mqtt from 'mqtt'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Mosquitto, mosquittoInstalled, startMosquitto } from './broker/mosquitto.test.support.ts'
import { SITE, WireDevice } from './device.test.support.ts'
import { type EdgeOptions, type EdgeServer, startEdge } from './server.ts'
import { BundleFolder } from './tails/bundle-folder.test.support.ts'
import { CRASH, HOLD, spawnScripted } from './tails/scripted-worker.test.support.ts'

const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 15_000 })
const quiet = pino({ level: 'silent' })
const latent = Uint8Array.of(1, 2, 3, 4)

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

let folder: BundleFolder
beforeAll(async () => {
  folder = await BundleFolder.make()
})
afterAll(() => folder.remove())

async function start(options: EdgeOptions = {}) {
  const server = await startEdge({
    site: SITE,
    bundles: folder.fast,
    mqttPort: 0,
    wsPort: 0,
    httpPort: 0,
    workers: 1,
    log: quiet,
    ...options,
  })
  closing.push(() => server.close())
  const url = options.broker ?? `mqtt://127.0.0.1:${server.ports.mqttPort}`
  const device = async (id: string) => {
    const connected = await WireDevice.connect(url, id)
    closing.push(() => connected.close())
    return connected
  }
  return { server, device }
}

const get = async (server: EdgeServer, path: string) => {
  const response = await fetch(`http://127.0.0.1:${server.ports.httpPort}${path}`)
  return { status: response.status, text: await response.text() }
}

/** What an edge server promises to devices, whoever is the broker. */
function contract(name: string, installed: boolean, broker: () => Promise<EdgeOptions>): void {
  describe.skipIf(!installed)(`an edge server over ${name}`, () => {
    it('answers a request with the result of its tail', async () => {
      const { device } = await start(await broker())
      const camera = await device('cam')
      const id = camera.send(latent, { bundle: folder.fastKey })
      expect(await camera.answer(id)).toEqual([10, 20])
    })

    it('says who it is and how busy, for those who come later', async () => {
      const { device, server } = await start({ ...(await broker()), credits: 3 })
      const camera = await device('cam')
      const birth = await camera.hearsServer('birth')
      expect(birth.body).toMatchObject({
        kind: 'birth',
        bundles: [{ name: 'fast', version: '1.0.0', key: folder.fastKey }],
        credits: 3,
        maxMessageBytes: MAX_MESSAGE_BYTES,
      })
      const state = await camera.hearsServer('state')
      expect(state.body).toMatchObject({ kind: 'state', presence: 'online', workers: 1 })
      expect(server.bundles).toEqual(['fast@1.0.0'])
    })

    it('answers garbage with a typed error, and goes on', async () => {
      const { server, device } = await start(await broker())
      const camera = await device('cam')
      for (const verb of ['infer', 'birth', 'state'] as const) camera.publish(verb, Uint8Array.of(1, 2, 3))
      for (let n = 0; n < 3; n++) {
        const { body } = await camera.take(({ envelope }) => envelope.id === 0)
        expect(body).toMatchObject({ kind: 'error' })
      }
      const id = camera.send(latent, { bundle: folder.fastKey })
      expect(await camera.answer(id)).toEqual([10, 20])
      expect(await server.metrics.value('garbage_total', { code: 'BAD_MESSAGE' })).toBe(3)
    })

    it('tells a device whose samples teach nothing here to send no more', async () => {
      const { device } = await start(await broker())
      const camera = await device('cam')
      const body = { kind: 'sample', family: 1, number: 1, entropy: 0.5, input: 'image' } as const
      camera.publish('sample', encodeMessage({ envelope: { boot: 1 }, body }, latent))
      const { body: answer } = await camera.take(({ envelope }) => envelope.id === 0)
      expect(answer.kind === 'error' && wireErrorCodeOf(answer.code)).toBe('UNKNOWN_FAMILY')
    })

    it('serves eight devices at once, each with its own answers, some of them computed together', async () => {
      const { device, server } = await start({ ...(await broker()), workers: 2, credits: 50, queue: 500 })
      const cameras = await Promise.all(Array.from({ length: 8 }, (_, n) => device(`cam-${n}`)))
      const frames = 25
      let asked = 0
      // A busy machine is slow at first, and then no frame is kept waiting for others.
      while ((await server.metrics.value('batched_total', { route: 'split' })) === 0) {
        const answers = cameras.map(async (camera, n) => {
          const ids = Array.from({ length: frames }, () =>
            camera.send(Uint8Array.of(n, 1, 0, 0), { bundle: folder.fastKey }),
          )
          return Promise.all(ids.map((id) => camera.answer(id)))
        })
        for (const [n, own] of (await Promise.all(answers)).entries()) {
          expect(own).toEqual(Array(frames).fill([n + 1, 2 * (n + 1)]))
        }
        asked += 8 * frames
        expect(await server.metrics.value('replies_total', { route: 'split' })).toBe(asked)
      }
      expect(await server.metrics.value('credits_in_use')).toBe(0)
    })

    it('says that it is draining, finishes what it has, then says that it is gone', async () => {
      const { server, device } = await start({ ...(await broker()), bundles: folder.slow })
      const camera = await device('cam')
      const ids = Array.from({ length: 5 }, () => camera.send(latent, { bundle: folder.slowKey }))
      await camera.hearsServer('state', (body) => body.kind === 'state' && body.presence === 'online')
      expect(await camera.answer(ids.shift()!)).toEqual([10, 20])
      const closed = server.close()
      await camera.hearsServer('state', (body) => body.kind === 'state' && body.presence === 'draining')
      const late = camera.send(latent, { bundle: folder.slowKey })
      expect(await camera.answer(late)).toBe('DRAINING')
      for (const id of ids) expect(await camera.answer(id)).toEqual([10, 20])
      await camera.hearsServer('state', (body) => body.kind === 'state' && body.presence === 'offline')
      await closed
    })
  })
}

contract('the broker inside', true, async () => ({}))
contract('Mosquitto', mosquittoInstalled, async () => {
  const broker = await startMosquitto()
  closing.push(() => broker.stop())
  return { broker: broker.url }
})

describe.skipIf(!mosquittoInstalled)('an edge server whose broker goes away', () => {
  it('comes back with it, says again who it is, and answers', async () => {
    let broker: Mosquitto = await startMosquitto()
    closing.push(() => broker.stop())
    const { server, device } = await start({ broker: broker.url })
    await broker.stop()
    await eventually(async () => (await get(server, '/readyz')).status).toBe(503)
    broker = await startMosquitto(broker.port)
    await eventually(async () => (await get(server, '/readyz')).status).toBe(200)
    const camera = await device('cam')
    await camera.hearsServer('birth')
    expect(await camera.answer(camera.send(latent, { bundle: folder.fastKey }))).toEqual([10, 20])
  })
})

describe('an edge server that was cut off and has come back in another life', () => {
  it('is there for devices that come later, though its earlier life is taken for gone only now', async () => {
    const broker = await Aedes.createBroker()
    const listener = createServer(broker.handle)
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    closing.push(() => new Promise<void>((resolve) => broker.close(() => listener.close(() => resolve()))))
    const url = `mqtt://127.0.0.1:${(listener.address() as AddressInfo).port}`
    const offline = encodeMessage({ envelope: { boot: 1 }, body: { kind: 'state', presence: 'offline' } })
    const will = { topic: topic(SITE, EDGE_ID, 'state'), payload: Buffer.from(offline), retain: true }
    const earlier = await mqtt.connectAsync(url, {
      clientId: 'edge-earlier',
      will: { ...will, qos: 1 },
      reconnectPeriod: 0,
    })
    const { device } = await start({ broker: url, stateEveryMs: 100 })
    const first = await device('first')
    await first.hearsServer('state', (body) => body.kind === 'state' && body.presence === 'online')
    // Its machine had lost power: the broker has waited until now for a sign of life.
    earlier.stream.destroy()
    await first.hearsServer('state', (body) => body.kind === 'state' && body.presence === 'offline')
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const later = await device('later')
    const birth = await later.hearsServer('birth')
    const state = await later.hearsServer('state')
    expect(state.body).toMatchObject({ presence: 'online' })
    expect(state.envelope.boot).toBe(birth.envelope.boot)
  })
})

describe('an edge server under load', () => {
  it('answers everything exactly once when a device floods it', async () => {
    const { server, device } = await start({ bundles: folder.slow, credits: 4, queue: 8 })
    const flood = await device('flood')
    const ids = Array.from({ length: 300 }, () => flood.send(latent, { bundle: folder.slowKey }))
    const answers = await Promise.all(ids.map((id) => flood.answer(id)))
    const results = answers.filter((answer) => typeof answer !== 'string').length
    expect(results).toBeGreaterThanOrEqual(4)
    expect(new Set(answers.filter((answer) => typeof answer === 'string'))).toEqual(new Set(['OVER_CREDIT']))
    expect(flood.heard).toEqual([])
    expect(await server.metrics.value('errors_total', { code: 'OVER_CREDIT' })).toBe(300 - results)
  })

  it('lets a patient device through while another floods', async () => {
    const { device } = await start({ bundles: folder.slow, credits: 2, queue: 8 })
    const flood = await device('flood')
    const patient = await device('patient')
    for (let n = 0; n < 200; n++) flood.send(latent, { bundle: folder.slowKey })
    const id = patient.send(latent, { bundle: folder.slowKey })
    expect(await patient.answer(id)).toEqual([10, 20])
  })

  it('answers EXPIRED to what waits too long behind a slow tail', async () => {
    const { device } = await start({ bundles: folder.slow })
    const camera = await device('cam')
    const first = camera.send(latent, { bundle: folder.slowKey })
    const second = camera.send(latent, { bundle: folder.slowKey })
    const hasty = camera.send(latent, { bundle: folder.slowKey }, { budgetUs: 1000 })
    expect(await camera.answer(hasty)).toBe('EXPIRED')
    expect(await camera.answer(first)).toEqual([10, 20])
    expect(await camera.answer(second)).toEqual([10, 20])
  })

  it('answers TAIL_FAILED for a worker that dies, and goes on with another', async () => {
    const { server, device } = await start({ spawn: spawnScripted })
    const camera = await device('cam')
    const id = camera.send(Uint8Array.of(CRASH, 0, 0, 0), { bundle: folder.fastKey })
    expect(await camera.answer(id)).toBe('TAIL_FAILED')
    const next = camera.send(latent, { bundle: folder.fastKey })
    expect(await camera.answer(next)).toEqual([1, 0])
    expect(await server.metrics.value('worker_restarts_total')).toBe(1)
  })

  it('answers EXPIRED to what waits while no worker answers', async () => {
    const { device } = await start({ spawn: spawnScripted, maxBatch: 1 })
    const camera = await device('cam')
    const held = Uint8Array.of(HOLD, 0, 0, 0)
    for (let n = 0; n < 2; n++) camera.send(held, { bundle: folder.fastKey })
    const waiting = camera.send(latent, { bundle: folder.fastKey }, { budgetUs: 30_000 })
    expect(await camera.answer(waiting)).toBe('EXPIRED')
  })

  it('turns away what is left when the drain timeout has passed', async () => {
    const { server, device } = await start({ spawn: spawnScripted, maxBatch: 1, drainTimeoutMs: 1 })
    const camera = await device('cam')
    const held = Uint8Array.of(HOLD, 0, 0, 0)
    const ids = Array.from({ length: 6 }, () => camera.send(held, { bundle: folder.fastKey }))
    await eventually(() => server.metrics.value('queue_length')).toBe(4)
    const closed = server.close()
    for (const id of ids.slice(2)) expect(await camera.answer(id)).toBe('DRAINING')
    await closed
  })
})

describe('what an edge server shows to its operator', () => {
  it('is alive, ready, and counts', async () => {
    const { server, device } = await start()
    expect(await get(server, '/healthz')).toEqual({ status: 200, text: 'ok\n' })
    expect(await get(server, '/readyz')).toEqual({ status: 200, text: 'ready\n' })
    expect((await get(server, '/nothing')).status).toBe(404)
    const camera = await device('cam')
    await camera.answer(camera.send(latent, { bundle: folder.fastKey }))
    await camera.answer(camera.send(latent, { bundle: 1 }))
    const { text } = await get(server, '/metrics')
    expect(text).toContain('isthmus_edge_replies_total{route="split"} 1')
    expect(text).toContain('isthmus_edge_errors_total{code="UNKNOWN_BUNDLE"} 1')
    expect(text).toContain('isthmus_edge_errors_total{code="QUEUE_FULL"} 0')
    expect(text).toMatch(/isthmus_edge_tail_ms_count\{route="split"\} 1/)
    expect(text).toMatch(/isthmus_edge_connections 1/)
  })

  it('keeps the counters of two servers in one process apart', async () => {
    const one = await start()
    const two = await start()
    const camera = await one.device('cam')
    await camera.answer(camera.send(latent, { bundle: folder.fastKey }))
    expect(await one.server.metrics.value('replies_total', { route: 'split' })).toBe(1)
    expect(await two.server.metrics.value('replies_total', { route: 'split' })).toBe(0)
  })

  it('counts devices by what they say', async () => {
    const { server, device } = await start()
    const camera = await device('cam')
    const state = { kind: 'state', presence: 'online' } as const
    camera.publish('state', encodeMessage({ envelope: { boot: 1, sequence: 1 }, body: state }))
    await eventually(() => server.metrics.value('devices_online')).toBe(1)
  })
})

describe('an edge server that cannot start', () => {
  const failure = (options: EdgeOptions) => expect(start(options)).rejects

  it('says in one line what to do', async () => {
    const { server } = await start()
    const { mqttPort, httpPort } = server.ports
    await failure({ mqttPort: mqttPort! }).toMatchObject({ code: 'PORT_IN_USE' })
    await failure({ httpPort: httpPort! }).toMatchObject({
      message: expect.stringMatching(/\(httpPort\) is in use/),
    })
    await failure({ bundles: '/nowhere' }).toMatchObject({
      code: 'NO_BUNDLES',
      message: expect.stringMatching(/\/nowhere/),
    })
    await failure({ bundles: folder.empty }).toMatchObject({ code: 'NO_BUNDLES' })
    await failure({ broker: 'mqtt://127.0.0.1:1' }).toMatchObject({ code: 'NO_BROKER' })
    await failure({ credits: 0 }).toMatchObject({ code: 'BAD_CONFIG' })
  })

  it('names the file that was changed, and serves the other bundles', async () => {
    await failure({ bundles: folder.changed }).toMatchObject({
      code: 'NO_BUNDLES',
      message: expect.stringContaining('tail.onnx'),
    })
    const { server } = await start({ bundles: folder.mixed })
    expect(server.bundles).toEqual(['fast@1.0.0'])
  })

  it('says which settings of the adaptation do nothing without a folder for it', async () => {
    const lines: Record<string, unknown>[] = []
    const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) })
    await start({ log })
    expect(lines).toEqual([])
    await start({ log, adaptSplit: 'tail', adaptTailMs: 1234 })
    expect(lines).toMatchObject([
      { settings: ['adaptSplit', 'adaptTailMs'], msg: 'without adapt, nothing is adapted' },
    ])
  })
})
