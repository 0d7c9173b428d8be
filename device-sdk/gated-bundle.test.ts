import { openSession } from '@isthmus/models/runtime'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { writeGatedBundle, writeTinyBundle } from './bundle.test.kit.ts'
import { connectDevice } from './connect.ts'
import type { Device } from './device.ts'
import { exitRules } from './early-exit.ts'
import { filterThreshold } from './frame-filter.ts'
import { MiniEdge } from './mini-edge.test.kit.ts'
import type { DeviceOptions } from './options.ts'

type Gated = Awaited<ReturnType<typeof writeGatedBundle>>
let gated: Gated
let withoutLocal: Gated
const cleanUps: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  gated = await writeGatedBundle(true)
  withoutLocal = await writeGatedBundle(false)
})
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

const frame = (level: number) => ({
  data: Uint8Array.from({ length: 48 }, (_, i) => level + ((i * 53) % 40)),
  width: 4,
  height: 4,
})
const [bright, dark] = [frame(200), frame(10)]

async function connect(
  options: Partial<DeviceOptions>,
  { dir, bundle } = gated,
): Promise<[Device, MiniEdge]> {
  const edge = await MiniEdge.open(bundle)
  cleanUps.push(() => edge.close())
  const broker = `mqtt://127.0.0.1:${edge.port}`
  const common = { id: 'cam-1', bundle: dir, broker, waitForServerMs: 10_000, deadlineMs: 5000 }
  const device = await connectDevice({ ...common, ...options })
  cleanUps.push(() => device.close())
  return [device, edge]
}

test('a device with filter and exit: dull frames go nowhere, sure ones not far, and the server sees none', async () => {
  const [device, edge] = await connect({ filter: true, exit: true })
  const skipped = await device.infer(dark)
  expect(skipped).toMatchObject({ route: 'skip', top: [], bytesUp: 0 })
  expect(skipped.interest).toBeLessThan(0.5)
  const left = await device.infer(bright)
  expect(left).toMatchObject({ route: 'local', exit: true, mode: 2, bytesUp: 0 })
  expect(left.interest).toBeGreaterThan(0.5)
  const logits = await exitLogits(bright)
  for (const [i, value] of left.output.entries()) expect(value).toBeCloseTo(logits[i]! / 2, 3)
  expect(edge.requests).toBe(0)
})

test('without the options the same bundle sends every frame', async () => {
  const [device, edge] = await connect({})
  for (const one of [bright, dark]) {
    const answer = await device.infer(one)
    expect(answer.route).toBe('split')
    expect([answer.interest, answer.exit]).toEqual([undefined, undefined])
  }
  expect(edge.requests).toBe(2)
})

test('another recall and another accuracy take other thresholds', async () => {
  const [device] = await connect({ filter: { recall: 0.95 }, exit: { accuracy: 0.97 } })
  const answer = await device.infer(dark)
  expect(answer.route).toBe('split')
  expect(answer.interest).toBeLessThan(0.5)
})

test('an exit makes up for a missing local network when the server is silent', async () => {
  const [device, edge] = await connect({ exit: { accuracy: 0.99 } }, withoutLocal)
  edge.silent = true
  const answer = await device.infer(bright, { deadlineMs: 1000 })
  expect(answer).toMatchObject({ route: 'local', exit: true, fallback: 'NO_REPLY' })
})

async function exitLogits({ data }: typeof bright): Promise<Float32Array> {
  const run = async (which: 'head' | 'exit', input: string, dims: number[], values: Float32Array) => {
    const session = await openSession(gated.bundle.modelBytes(which))
    const results = await session.run({ [input]: { dtype: 'float32', dims, data: values } })
    await session.dispose()
    return results[session.outputs[0]!.name]!.data as Float32Array
  }
  const pixels = Float32Array.from({ length: 48 }, (_, i) => {
    const [channel, at] = [Math.floor(i / 16), i % 16]
    return (data[3 * at + channel]! / 255 - 0.5) / 0.5
  })
  return run('exit', 'z', [1, 8], await run('head', 'x', [1, 3, 4, 4], pixels))
}

describe('the threshold of a gate', () => {
  test('is the one of the least point that is good enough', () => {
    const { manifest } = gated.bundle
    expect(filterThreshold(manifest, true)).toBe(0.5)
    expect(filterThreshold(manifest, { recall: 0.5 })).toBe(0.5)
    expect(filterThreshold(manifest, { recall: 0.91 })).toBe(0.001)
    expect(exitRules(manifest, true).threshold).toBe(0.7)
    expect(exitRules(manifest, { accuracy: 0.96 }).threshold).toBe(1)
  })

  test('an exit backs up where there is no local network, or a worse one', () => {
    const { manifest } = gated.bundle
    const withLocal = (accuracy?: number) => ({
      ...manifest,
      models: { ...manifest.models, local: { ...manifest.models.local!, accuracy } },
    })
    expect(exitRules(manifest, true).backsUp).toBe(false)
    expect(exitRules(withoutLocal.bundle.manifest, true).backsUp).toBe(true)
    expect(exitRules(withLocal(0.7) as typeof manifest, true).backsUp).toBe(true)
    expect(exitRules(withLocal() as typeof manifest, true).backsUp).toBe(false)
  })
})

test.each<[Partial<DeviceOptions>, RegExp]>([
  [{ filter: { recall: 0.999 } }, /filter\.recall: tiny has thresholds up to 0\.99\./],
  [{ exit: { accuracy: 0.999 } }, /exit\.accuracy: tiny has thresholds up to 0\.99\./],
  [{ filter: { recall: 0 } }, /filter\.recall: /],
  [{ filter: { recal: 0.9 } as never }, /filter: must be true, false or \{ recall: /],
  [{ exit: 0.9 as never }, /exit: must be true, false or \{ accuracy: /],
])('the options %j are refused', async (options, message) => {
  const connecting = connectDevice({ id: 'cam-1', bundle: gated.dir, ...options })
  await expect(connecting).rejects.toMatchObject({
    code: 'BAD_OPTIONS',
    message: expect.stringMatching(message),
  })
})

test('a bundle that has no filter or exit says so when one is wanted', async () => {
  const { dir } = await writeTinyBundle()
  for (const [option, what] of [
    ['filter', 'no filter'],
    ['exit', 'no early exit'],
  ] as const) {
    await expect(connectDevice({ id: 'cam-1', bundle: dir, [option]: true })).rejects.toMatchObject({
      code: 'BAD_OPTIONS',
      message: expect.stringContaining(what),
    })
  }
})
