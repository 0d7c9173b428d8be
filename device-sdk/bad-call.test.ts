import { expect, test } from 'vitest'
import { modes, World } from './world.test.kit.ts'

test('an RGB frame that says it is not encoded is one', async () => {
  const world = await World.create()
  for (const encoded of [false, undefined]) {
    const frame = { ...world.frame(), encoded }
    expect(await world.clock.until(world.device.infer(frame))).toMatchObject({ route: 'split' })
  }
})

test.each([Number.NaN, Number.POSITIVE_INFINITY])('a tensor that holds %d is refused', async (value) => {
  const world = await World.create()
  const tensor = new Float32Array(48)
  tensor[47] = value
  const error = { code: 'BAD_FRAME', message: expect.stringContaining('NaN or an infinity') }
  await expect(world.device.infer(tensor)).rejects.toMatchObject(error)
})

test('a local answer that holds NaN is none', async () => {
  const world = await World.create({ localOutput: [0, Number.NaN, 0, 0] }, false)
  const promise = world.device.infer(world.frame())
  promise.catch(() => {})
  await expect(world.clock.until(promise)).rejects.toMatchObject({
    code: 'LOCAL_FAILED',
    cause: expect.objectContaining({ message: expect.stringContaining('NaN') }),
  })
})

test.each([null, 5, { deadlineMs: '100' }, { deadlineMs: null }, { deadlineMs: Number.NaN }])(
  'infer with the options %j is refused',
  async (options) => {
    const world = await World.create()
    const promise = world.device.infer(world.frame(), options as never)
    await expect(promise).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
  },
)

test('a policy that sends a tensor as an image costs the better answer, not the answer', async () => {
  const policy = { decide: () => ({ route: 'edge' as const, mode: modes.edge, expectedMs: 0, reason: '' }) }
  const world = await World.create({ policy })
  const answer = await world.clock.until(world.device.infer(new Float32Array(48)))
  expect(answer).toMatchObject({ route: 'local', reason: expect.stringContaining('policy failed') })
})

test.each<[string, () => unknown, RegExp]>([
  ['throws what is no error', () => fail(undefined), /policy failed: undefined/],
  ['gives nothing', () => undefined, /policy failed: it gave no plan/],
  ['gives a promise', async () => ({ route: 'split', mode: modes.split }), /policy failed: it gave no plan/],
])('a policy that %s costs the better answer, not the answer', async (_, decide, reason) => {
  const world = await World.create({ policy: { decide } as never })
  const answer = await world.clock.until(world.device.infer(world.frame()))
  expect(answer).toMatchObject({ route: 'local', reason: expect.stringMatching(reason) })
})

function fail(thrown: unknown): never {
  throw thrown
}
