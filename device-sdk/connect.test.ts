import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSession } from '@isthmus/models/runtime'
import { decodeMessage } from '@isthmus/proto'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { writeTinyBundle } from './bundle.test.kit.ts'
import { connectDevice } from './connect.ts'
import type { Device } from './device.ts'
import { inputShape } from './frame.ts'
import { MiniEdge } from './mini-edge.test.kit.ts'
import { Normaliser } from './normalise.ts'
import type { Transport } from './transport.ts'

type Tiny = Awaited<ReturnType<typeof writeTinyBundle>>
let tiny: Tiny
const cleanUps: (() => Promise<unknown>)[] = []
const frame = { data: Uint8Array.from({ length: 48 }, (_, i) => (i * 53) % 256), width: 4, height: 4 }

beforeAll(async () => {
  tiny = await writeTinyBundle()
})
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function connect(port: number | undefined, bundle = tiny.dir): Promise<Device> {
  const broker = port === undefined ? {} : { broker: `mqtt://127.0.0.1:${port}`, waitForServerMs: 10_000 }
  const device = await connectDevice({
    id: 'cam-1',
    bundle,
    deadlineMs: 5000,
    reconnect: { minMs: 20, maxMs: 50 },
    ...broker,
  })
  cleanUps.push(() => device.close())
  return device
}

async function openEdge(port = 0, { bundle }: Tiny = tiny): Promise<MiniEdge> {
  const edge = await MiniEdge.open(bundle, port)
  cleanUps.push(() => edge.close())
  return edge
}

async function whole(which: 'full' | 'local'): Promise<Float32Array> {
  const session = await openSession(tiny.bundle.modelBytes(which))
  const shape = inputShape(tiny.bundle.manifest)
  const data = new Float32Array(48)
  new Normaliser(shape).into(frame.data, data)
  const { y } = await session.run({ x: { dtype: 'float32', dims: shape.dims, data } })
  await session.dispose()
  return y!.data as Float32Array
}

test('head on the device and tail behind a broker give what the whole network gives', async () => {
  const edge = await openEdge()
  const device = await connect(edge.port)
  const answer = await device.infer(frame, { route: 'split' })
  expect(answer).toMatchObject({ route: 'split', bundle: 'tiny@1.0.0', late: false })
  const expected = await whole('full')
  for (const [i, value] of answer.output.entries()) expect(value).toBeCloseTo(expected[i]!, 1)
  expect(answer.stages.headMs).toBeGreaterThan(0)
  expect(answer.stages.uplinkMs).toBeGreaterThan(0)
})

test('without a broker it connects all the same and answers with its own network', async () => {
  const device = await connect(undefined)
  const answer = await device.infer(frame)
  expect(answer).toMatchObject({ route: 'local', late: false })
  expect([...answer.output]).toEqual([...(await whole('local'))])
})

test('the broker goes and comes back: frames are answered throughout, and by the server again', async () => {
  const first = await openEdge()
  const device = await connect(first.port)
  expect((await device.infer(frame, { route: 'split' })).route).toBe('split')
  await first.close()
  const gone = await device.infer(frame, { route: 'split' })
  expect(gone.route).toBe('local')
  expect(['OFFLINE', 'CONNECTION_LOST']).toContain(gone.fallback)
  const second = await openEdge(first.port)
  await device.waitForServer(10_000)
  expect((await device.infer(frame, { route: 'split' })).route).toBe('split')
  expect(second.requests).toBe(1)
})

test('a bundle without a local model still answers through the server, and says so when it cannot', async () => {
  const headOnly = await writeTinyBundle('local')
  const edge = await openEdge(0, headOnly)
  const device = await connect(edge.port, headOnly.dir)
  expect((await device.infer(frame, { route: 'split' })).route).toBe('split')
  edge.silent = true
  await expect(device.infer(frame, { route: 'split', deadlineMs: 50 })).rejects.toMatchObject({
    code: 'NO_ANSWER',
  })
})

test('an image file is decoded and resized on the way in', async () => {
  const { default: sharp } = await import('sharp')
  const data = await sharp({ create: { width: 90, height: 60, channels: 3, background: '#336699' } })
    .png()
    .toBuffer()
  const device = await connect(undefined)
  const answer = await device.infer({ data, encoded: true })
  const plain = new Uint8Array(48)
  for (let i = 0; i < 48; i++) plain[i] = [0x33, 0x66, 0x99][i % 3]!
  const expected = await device.infer({ data: plain, width: 4, height: 4 })
  expect([...answer.output]).toEqual([...expected.output])
})

test('the boot counter in stateDir grows from start to start', async () => {
  const stateDir = join(tiny.dir, '..', 'state')
  const boots: number[] = []
  for (let start = 0; start < 3; start++) {
    const device = await connectDevice({ id: 'cam-2', bundle: tiny.dir, stateDir })
    await device.close()
    boots.push(Number(await readFile(join(stateDir, 'boot'), 'utf8')))
  }
  expect(boots).toEqual([boots[0], boots[0]! + 1, boots[0]! + 2])
})

test('a folder that is no bundle, or an option that is none, is an error at once', async () => {
  await expect(connectDevice({ id: 'cam-1', bundle: '/nowhere' })).rejects.toMatchObject({
    code: 'BUNDLE_UNREADABLE',
  })
  const typo = { id: 'cam-1', bundle: tiny.dir, brokr: 'mqtt://x' }
  await expect(connectDevice(typo as never)).rejects.toMatchObject({
    message: expect.stringContaining('broker'),
  })
})

test('two lives of a device that begin in the same second have different names', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  cleanUps.push(async () => void vi.useRealTimers())
  const boots: number[] = []
  for (let life = 0; life < 2; life++) {
    const transport: Transport = {
      start: ({ onOnline }) => onOnline(),
      subscribe: () => {},
      publish: (name, packet) => {
        if (name.endsWith('/birth')) boots.push(decodeMessage(packet).envelope.boot)
        return true
      },
      close: async () => {},
    }
    await (await connectDevice({ id: 'cam-1', bundle: tiny.dir, transport })).close()
  }
  expect(boots).toHaveLength(2)
  expect(boots[0]).not.toBe(boots[1])
})
