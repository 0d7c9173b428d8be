import { appendFileSync, cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type BodyFields, encodeMessage, type StagesRequest, wireErrorCodeOf } from '@isthmus/proto'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Mosquitto, mosquittoInstalled, startMosquitto } from './broker/mosquitto.test.support.ts'
import { SITE, WireDevice } from './device.test.support.ts'
import { PipelineFolder, STAGES, TENSORS } from './pipeline-folder.test.support.ts'
import { type EdgeOptions, startEdge } from './server.ts'

const quiet = pino({ level: 'silent' })
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

let folder: PipelineFolder
beforeAll(async () => {
  folder = await PipelineFolder.make()
})
afterAll(() => folder.remove())

async function start(options: EdgeOptions = {}) {
  const server = await startEdge({
    site: SITE,
    pipelines: folder.all,
    mqttPort: 0,
    wsPort: 'off',
    httpPort: 'off',
    workers: 1,
    log: quiet,
    ...options,
  })
  closing.push(() => server.close())
  const url = options.broker ?? `mqtt://127.0.0.1:${server.ports.mqttPort}`
  const camera = await WireDevice.connect(url, 'cam')
  closing.push(() => camera.close())
  return { server, camera }
}

const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)
const { double, root, wide, lost } = STAGES
const mask = (...stages: number[]) => stages.reduce((bits, stage) => bits | (1 << stage), 0)

const good = (): Omit<StagesRequest, 'kind'> => ({
  pipeline: folder.pipeline.key,
  stages: mask(double, root),
  inputs: [TENSORS.image],
  outputs: [TENSORS.rooted, TENSORS.doubled],
  rows: 0,
})

const ask = (camera: WireDevice, changes: Partial<StagesRequest> = {}, payload = bytes(1, 2, 3, 2)) =>
  camera.send(payload, { ...good(), ...changes, kind: 'stages' } as Partial<BodyFields>)

async function outcome(camera: WireDevice, id: number): Promise<number[] | string> {
  const { body, payload } = await camera.take(({ envelope }) => envelope.id === id)
  if (body.kind === 'error') return `${wireErrorCodeOf(body.code)}`
  return [...new Float32Array(payload.slice().buffer)]
}

/** What a server of pipelines promises to devices, whoever is the broker. */
function contract(name: string, installed: boolean, broker: () => Promise<EdgeOptions>): void {
  describe.skipIf(!installed)(`pipelines over ${name}`, () => {
    it('runs the stages that are asked for and gives back the tensors that are wanted', async () => {
      const { camera, server } = await start(await broker())
      const id = ask(camera)
      const { body, payload } = await camera.take(({ envelope }) => envelope.id === id)
      expect([...new Float32Array(payload.slice().buffer)]).toEqual([4, 2, 4, 6, 4])
      expect(body).toMatchObject({ kind: 'stagesReply', pipeline: folder.pipeline.key })
      if (body.kind !== 'stagesReply') return
      expect(body.stageUs).toHaveLength(2)
      expect(body.serverUs).toBeGreaterThanOrEqual(body.stageUs.reduce((sum, us) => sum + us, body.queueUs))
      expect(await server.metrics.value('replies_total', { route: 'stages' })).toBe(1)
      expect(await server.metrics.text()).toContain(
        'isthmus_edge_stage_ms_count{pipeline="street@1.0.0",stage="root"} 1',
      )
    })

    it('says which stages it serves, what they take, and what a request would wait', async () => {
      const { camera, server } = await start(await broker())
      const { body } = await camera.hearsServer('birth')
      if (body.kind !== 'birth') throw new Error(body.kind)
      expect(body.bundles).toEqual([])
      expect(body.pipelines).toMatchObject([{ name: 'street', version: '1.0.0', key: folder.pipeline.key }])
      const served = body.pipelines[0]!.stageUs.map((us) => us > 0)
      expect(served).toEqual([true, true, true, false])
      expect((await camera.hearsServer('state')).body).toMatchObject({ presence: 'online', waitUs: 0 })
      expect(server.pipelines).toEqual(['street@1.0.0'])
    })

    it('answers what is wrong with a typed error, and goes on', async () => {
      const { camera, server } = await start(await broker())
      const wrong: [string, Partial<StagesRequest>, Uint8Array<ArrayBuffer>?][] = [
        ['UNKNOWN_PIPELINE', { pipeline: 1 }],
        ['UNKNOWN_STAGE', { stages: mask(lost), inputs: [TENSORS.doubled], outputs: [TENSORS.lost] }],
        ['UNKNOWN_STAGE', { stages: 2 ** 31 }],
        ['UNKNOWN_STAGE', { inputs: [] }, new Uint8Array(0)],
        ['UNKNOWN_STAGE', { inputs: [TENSORS.image, TENSORS.image] }],
        ['UNKNOWN_STAGE', { inputs: [TENSORS.image, TENSORS.doubled] }],
        ['UNKNOWN_STAGE', { inputs: [4_294_967_295] }],
        ['UNKNOWN_STAGE', { outputs: [] }],
        ['UNKNOWN_STAGE', { outputs: [TENSORS.rooted, TENSORS.rooted] }],
        ['UNKNOWN_STAGE', { outputs: [TENSORS.image] }],
        ['UNKNOWN_STAGE', { outputs: [4_294_967_295] }],
        ['BAD_SHAPE', {}, bytes(1, 2, 3)],
        ['BAD_SHAPE', {}, new Uint8Array(100_000)],
        ['BAD_SHAPE', {}, new Uint8Array(0)],
        ['NOT_FINITE', {}, bytes(1, 2, Number.NaN, 3)],
        ['STAGE_FAILED', {}, bytes(-1, 0, 0, 0)],
        ['TOO_LARGE', { stages: mask(double, root, wide), outputs: [TENSORS.widened] }],
      ]
      for (const [code, changes, payload] of wrong) {
        expect([changes, await outcome(camera, ask(camera, changes, payload))]).toEqual([changes, code])
      }
      expect(await outcome(camera, ask(camera))).toEqual([4, 2, 4, 6, 4])
      expect(await server.metrics.value('errors_total', { code: 'UNKNOWN_STAGE' })).toBe(10)
    })

    it('answers a request that is cut short, or has one bit flipped, and goes on', async () => {
      const { camera } = await start(await broker())
      const body = { ...good(), kind: 'stages' } as const
      const whole = encodeMessage({ envelope: { id: 900, boot: 1 }, body }, bytes(1, 2, 3, 2))
      camera.publish('infer', whole.subarray(0, -9))
      expect(await outcome(camera, 0)).toBe('BAD_MESSAGE')
      camera.publish(
        'infer',
        whole.map((byte, at) => (at === whole.length - 8 ? byte ^ 4 : byte)),
      )
      expect(await outcome(camera, 0)).toBe('BAD_CHECKSUM')
      camera.publish('infer', whole)
      expect(await outcome(camera, 900)).toEqual([4, 2, 4, 6, 4])
    })

    it('what is late, replayed or for another topic is refused as for tails', async () => {
      const { camera } = await start(await broker())
      const request = { ...good(), kind: 'stages' } as Partial<BodyFields>
      const send = (envelope: object) => camera.send(bytes(1, 2, 3, 2), request, envelope)
      expect(await outcome(camera, send({ budgetUs: 1, receiverUs: 1 }))).toBe('EXPIRED')
      const foreign = 'isthmus/1/yard/neighbour/reply'
      expect(await outcome(camera, send({ replyTopic: foreign }))).toBe('NOT_ALLOWED')
      const first = send({})
      expect(await outcome(camera, first)).toEqual([4, 2, 4, 6, 4])
      send({ id: first })
      expect(await outcome(camera, first)).toBe('REPLAYED')
    })
  })
}

contract('the broker inside', true, async () => ({}))
let mosquitto: Mosquitto | undefined
afterAll(() => mosquitto?.stop())
contract('Mosquitto', mosquittoInstalled, async () => {
  mosquitto ??= await startMosquitto()
  return { broker: mosquitto.url }
})

it('a pipeline with a file that was changed is left out, and the others are served', async () => {
  const mixed = join(folder.all, '..', `mixed-${process.pid}`)
  mkdirSync(mixed)
  closing.push(() => import('node:fs').then(({ rmSync }) => rmSync(mixed, { recursive: true })))
  cpSync(folder.street, join(mixed, 'good'), { recursive: true })
  cpSync(folder.street, join(mixed, 'bad'), { recursive: true })
  appendFileSync(join(mixed, 'bad', 'double.onnx'), 'x')
  const { server } = await start({ pipelines: mixed })
  expect(server.pipelines).toEqual(['street@1.0.0'])
})

it('a folder that is not there, or holds none, is an error that names the flag', async () => {
  await expect(start({ pipelines: join(folder.all, 'nowhere') })).rejects.toThrow(
    expect.objectContaining({ code: 'NO_PIPELINES', message: expect.stringContaining('--pipelines') }),
  )
})
