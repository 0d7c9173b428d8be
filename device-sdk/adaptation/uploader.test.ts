import { UplinkBudget, UploadQueue } from '@isthmus/policies/upload'
import type { Sample } from '@isthmus/proto'
import { wireErrors } from '@isthmus/proto'
import { afterEach, describe, expect, it } from 'vitest'
import { modes, VirtualClock, World, type WorldOptions } from '../world.test.kit.ts'
import type { AdaptationEvent } from './events.ts'
import type { GivenAnswer } from './observer.ts'
import { Uploader, type UploaderParts } from './uploader.ts'

/** Entropy 0.119 nats of ln 4 = 1.386: worth sending. */
const WORTH = [5, 0, 0, 0]
const worlds: World[] = []
const raw = { privacy: 'raw' } as const

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.device.close()
})

async function worldOf(options: WorldOptions = {}): Promise<World> {
  const world = await World.create({ localOutput: WORTH, adaptation: raw, ...options })
  worlds.push(world)
  // The budget begins empty.
  await world.clock.advance(60_000)
  return world
}

const local = async (world: World, fill = 7) => {
  const answer = await world.clock.until(world.device.infer(world.frame(fill), { route: 'local' }))
  return answer
}
const sent = (world: World) => world.samples.map(({ message }) => message.body as Sample)
const uploads = (world: World) => world.device.stats.adaptation!.uploads

describe('a frame that is answered on the device', () => {
  it('is sent after its answer, with the pixels, the entropy and the version that answered', async () => {
    const events: AdaptationEvent[] = []
    const world = await worldOf({ adaptation: { ...raw, onEvent: (event) => events.push(event) } })
    const asked = world.device.infer(world.frame(9), { route: 'local' })
    const sentBefore = asked.then(() => world.samples.length)
    const answer = await world.clock.until(asked)
    expect(answer).toMatchObject({ modelVersion: 0, modelEpoch: 0, bytesUp: 0 })
    expect(await sentBefore).toBe(0)
    await world.clock.advance(600)
    const [{ message }] = world.samples as [(typeof world.samples)[0]]
    expect(message.body).toMatchObject({
      kind: 'sample',
      number: 1,
      input: 'pixels',
      dims: [4, 4, 3],
      patch: 0,
    })
    expect((message.body as Sample).entropy).toBeCloseTo(0.1191, 3)
    expect(message.payload).toEqual(new Uint8Array(48).fill(9))
    expect(events).toMatchObject([{ kind: 'uploaded', number: 1, input: 'pixels' }])
    await local(world)
    await world.clock.advance(600)
    expect(sent(world).map(({ number }) => number)).toEqual([1, 2])
  })

  it('is sent as it was, whatever the caller does with the buffer once it has the answer', async () => {
    const world = await worldOf()
    const frame = world.frame(3)
    await world.clock.until(world.device.infer(frame, { route: 'local' }))
    frame.data.fill(200)
    await world.clock.advance(600)
    expect(world.samples[0]!.message.payload).toEqual(new Uint8Array(48).fill(3))
  })

  it.each([
    ['certain', [30, 0, 0, 0]],
    ['unreliable', [0, 0, 0.1, 0]],
  ] as const)('stays when the network is %s of it', async (why, localOutput) => {
    const world = await worldOf({ localOutput: [...localOutput] })
    await local(world)
    await world.clock.advance(1000)
    expect(world.samples).toHaveLength(0)
    expect(uploads(world)).toMatchObject({ seen: 1, sent: 0, passed: { [why]: 1 } })
  })

  it('costs its answer no time', async () => {
    const times = async (adaptation: WorldOptions['adaptation']) => {
      const world = await World.create({ localOutput: WORTH, ...(adaptation ? { adaptation } : {}) })
      worlds.push(world)
      await world.clock.advance(60_000)
      const wall: number[] = []
      for (let frame = 0; frame < 30; frame++) wall.push((await local(world)).wallMs)
      return wall
    }
    expect(await times(raw)).toEqual(await times(undefined))
  })
})

describe('what leaves the device', () => {
  it('is nothing, unless somebody says otherwise', async () => {
    const world = await worldOf({ adaptation: {} })
    for (let frame = 0; frame < 5; frame++) await local(world)
    await world.clock.advance(1000)
    expect(world.samples).toHaveLength(0)
    expect(world.device.stats.adaptation).toMatchObject({ privacy: 'nothing', uploads: { seen: 0 } })
  })

  it('is a latent alone where pictures must stay: of frames that were on their way to the server', async () => {
    const world = await worldOf({ adaptation: { privacy: 'latents' } })
    await local(world)
    world.loseReplies = true
    const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
    expect(answer).toMatchObject({ route: 'local', fallback: 'NO_REPLY' })
    world.loseReplies = false
    await world.clock.advance(5000)
    expect(sent(world)).toMatchObject([{ input: 'latent', dims: [], mode: modes.split, bundle: 0xabcd1234 }])
    expect(sent(world)[0]!.scale).toBeGreaterThan(0)
    expect(world.samples[0]!.message.payload).toHaveLength(8)
    expect(uploads(world).dropped['no-picture']).toBe(1)
  })

  it('is nothing more of a frame that the server has answered: it has seen it', async () => {
    const world = await worldOf()
    for (const route of ['split', 'edge'] as const) {
      expect(await world.clock.until(world.device.infer(world.frame(), { route }))).toMatchObject({ route })
    }
    await world.clock.advance(1000)
    expect(world.samples).toHaveLength(0)
  })
})

describe('the uplink', () => {
  it('belongs to whoever waits for an answer: no sample goes while a request is out', async () => {
    const world = await worldOf({ rttMs: 80, deadlineMs: 500 })
    await local(world)
    const asked = world.device.infer(world.frame(), { route: 'split' })
    const askedAtMs = world.clock.now()
    const answer = await world.clock.until(asked)
    expect(answer.route).toBe('split')
    await world.clock.advance(500)
    expect(world.samples).toHaveLength(1)
    const [{ atMs }] = world.samples as [(typeof world.samples)[0]]
    expect(atMs <= askedAtMs || atMs >= askedAtMs + answer.wallMs - 1).toBe(true)
  })

  it('waits for the processor, too: a device that is never idle sends one sample a second', async () => {
    const world = await worldOf()
    let going = true
    const frames = async () => {
      while (going) await world.device.infer(world.frame(), { route: 'local' })
    }
    const streams = [frames(), frames()]
    await world.clock.advance(5500)
    going = false
    await world.clock.until(Promise.all(streams))
    expect(world.samples.length).toBeGreaterThan(3)
    expect(world.samples.length).toBeLessThan(7)
    const before = world.samples.length
    await world.clock.advance(2000)
    expect(world.samples.length).toBeGreaterThan(before + 20)
  })

  it('carries samples in bursts: once there are eight, or what there is after half a second', async () => {
    const world = await worldOf()
    const startMs = world.clock.now()
    const frames = async (count: number) => {
      for (let frame = 0; frame < count; frame++) {
        await local(world)
        await world.clock.advance(15)
      }
    }
    await frames(7)
    expect(world.clock.now() - startMs).toBeLessThan(400)
    expect(world.samples).toHaveLength(0)
    await frames(1)
    await world.clock.advance(20)
    expect(world.samples).toHaveLength(8)
    await frames(2)
    const lastMs = world.clock.now()
    await world.clock.advance(400)
    expect(world.samples).toHaveLength(8)
    await world.clock.advance(100)
    expect(world.samples).toHaveLength(10)
    expect(world.samples.at(-1)!.atMs - lastMs).toBeGreaterThan(400)
  })

  it.each([
    ['one entry', { entries: 1, bytes: 1 << 20 }],
    ['three entries', { entries: 3, bytes: 1 << 20 }],
    ['few bytes', { entries: 64, bytes: 600 }],
  ])('loses no sample to the wait for a burst, with a queue of %s', async (_, queue) => {
    const world = await worldOf({ adaptation: { ...raw, queue } })
    for (let frame = 0; frame < 20; frame++) {
      await local(world)
      await world.clock.advance(40)
    }
    await world.clock.advance(600)
    expect(uploads(world)).toMatchObject({ seen: 20, sent: 20, dropped: { busy: 0 } })
  })

  it('is not blamed any more for having been away once it is back', async () => {
    const world = await worldOf({
      rateBps: 20_000,
      adaptation: { ...raw, queue: { entries: 5, bytes: 1 << 20 } },
    })
    world.disconnect()
    for (let frame = 0; frame < 12; frame++) await local(world)
    expect(uploads(world).dropped).toMatchObject({ offline: 7, busy: 0 })
    world.connect()
    world.announce()
    await world.clock.advance(60_000)
    expect(uploads(world)).toMatchObject({ sent: 5, waiting: 0 })
    for (let frame = 0; frame < 40; frame++) await local(world)
    expect(uploads(world).dropped.offline).toBe(7)
    expect(uploads(world).dropped.busy).toBeGreaterThan(0)
  })

  it('carries one sample at a time, and half of its time is free for frames', async () => {
    const world = await worldOf({ rateBps: 50_000 })
    world.loseRequests = false
    for (let frame = 0; frame < 20; frame++) await local(world)
    await world.clock.advance(5000)
    expect(world.samples.length).toBe(20)
    for (const [at, { atMs, bytes }] of world.samples.entries()) {
      const next = world.samples[at + 1]
      if (next) expect(next.atMs - atMs).toBeGreaterThanOrEqual((8000 * bytes) / 50_000)
    }
  })

  it('carries no more than its budget in any hour, and what did not fit is counted', async () => {
    const budget = 20_000
    const world = await worldOf({
      probeIntervalMs: 0,
      adaptation: { ...raw, bytesPerHour: budget, queue: { entries: 4, bytes: 4000 } },
    })
    for (let frame = 0; frame < 400; frame++) {
      await local(world)
      await world.clock.advance(20_000)
    }
    const { samples } = world
    for (const [at, { atMs }] of samples.entries()) {
      const hour = samples.slice(at).filter((other) => other.atMs < atMs + 3_600_000)
      expect(hour.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(budget)
    }
    const { seen, sent: count, waiting, dropped } = uploads(world)
    expect(count).toBe(samples.length)
    expect(count).toBeGreaterThan(100)
    expect(dropped.budget).toBeGreaterThan(50)
    expect(count + waiting + dropped.budget + dropped.busy).toBe(seen)
  }, 60_000)

  it('gives up the oldest while there is none, and sends the newest when it is back', async () => {
    const world = await worldOf({ adaptation: { ...raw, queue: { entries: 5, bytes: 1 << 20 } } })
    world.disconnect()
    for (let frame = 0; frame < 12; frame++) await local(world, frame)
    expect(uploads(world)).toMatchObject({ sent: 0, waiting: 5, dropped: { busy: 0 } })
    expect(uploads(world).dropped.offline).toBe(7)
    world.connect()
    await world.clock.advance(5000)
    expect(world.samples.map(({ message }) => message.payload[0])).toEqual([7, 8, 9, 10, 11])
  })

  it('carries no more samples once the server has said that it does not adapt this family', async () => {
    const world = await worldOf()
    world.sendReply(0, { kind: 'error', code: wireErrors.UNKNOWN_FAMILY.number, detail: '' })
    await world.clock.advance(100)
    for (let frame = 0; frame < 5; frame++) await local(world)
    await world.clock.advance(1000)
    expect(world.samples).toHaveLength(0)
    expect(uploads(world)).toMatchObject({ waiting: 0, dropped: { unwanted: 5 } })
    // Until it announces itself anew.
    world.announce('online', ++world.serverBoot)
    await world.clock.advance(2000)
    await local(world)
    await world.clock.advance(1000)
    expect(world.samples.length).toBe(1)
  })

  it('carries pictures coded where they are large or where it is wished', async () => {
    const world = await worldOf({ adaptation: { ...raw, image: { codec: 'png' } } })
    await local(world)
    for (let turn = 0; turn < 50 && world.samples.length === 0; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
      await world.clock.advance(100)
    }
    expect(sent(world)).toMatchObject([{ input: 'image', dims: [] }])
    expect([...world.samples[0]!.message.payload.slice(1, 4)]).toEqual([...Buffer.from('PNG')])
  })
})

describe('any selector', () => {
  it('may decide, also one of the caller', async () => {
    const judged: number[] = []
    const selector = {
      name: 'every second',
      judge: ({ bytes }: { bytes: number }) => {
        judged.push(bytes)
        return judged.length % 2
          ? ({ upload: true, worth: 1 } as const)
          : ({ upload: false, why: 'similar' } as const)
      },
    }
    const world = await worldOf({ adaptation: { ...raw, selector } })
    for (let frame = 0; frame < 6; frame++) await local(world)
    await world.clock.advance(1000)
    expect(uploads(world)).toMatchObject({ seen: 6, sent: 3, passed: { similar: 3 } })
  })
})

/** An uploader on a link without an end of its own. */
function uploaderOn(
  clock: VirtualClock,
  parts: Partial<UploaderParts>,
): { uploader: Uploader; sentMs: number[] } {
  const sentMs: number[] = []
  const uploader = new Uploader({
    privacy: 'raw',
    budget: new UplinkBudget(1e9, -3_600_000),
    queue: new UploadQueue({}),
    uplink: {
      blocked: () => undefined,
      isUnwanted: false,
      working: () => false,
      send: () => sentMs.push(clock.now()) > 0,
      rateBps: undefined,
      largestBytes: 1e6,
    },
    clock,
    tell: () => {},
    ...parts,
  } as UploaderParts)
  return { uploader, sentMs }
}

describe('large pictures', () => {
  it('are a burst of their own before there are eight', async () => {
    const clock = new VirtualClock()
    const [height, width, channels] = [100, 60, 3]
    const { uploader, sentMs } = uploaderOn(clock, {
      family: 1,
      bundleKey: 2,
      outputKind: 'logits',
      shape: { height, width, channels, count: height * width * channels } as UploaderParts['shape'],
      image: { codec: 'raw' },
      selector: { name: 'all', judge: () => ({ upload: true, worth: 1 }) },
    })
    const answer = {
      output: Float32Array.from(WORTH),
      version: { epoch: 0, version: 0 },
      mode: { route: 'local' },
      tensors: { rgb: new Uint8Array(height * width * channels) },
    } as unknown as GivenAnswer
    uploader.offer(answer)
    await clock.advance(100)
    expect(sentMs).toHaveLength(0)
    uploader.offer(answer)
    await clock.advance(10)
    expect(sentMs).toHaveLength(2)
    uploader.close()
  })
})

describe('a sample that the server of now does not take', () => {
  it('does not keep those behind it waiting', async () => {
    const clock = new VirtualClock()
    const sent: number[] = []
    let largestBytes = 100_000
    let blocked: 'offline' | undefined = 'offline'
    const uplink = {
      blocked: () => blocked,
      isUnwanted: false,
      working: () => false,
      send: (_: unknown, { length }: Uint8Array) => length < largestBytes && sent.push(length) > 0,
      rateBps: undefined,
      get largestBytes() {
        return largestBytes
      },
    }
    const { uploader } = uploaderOn(clock, { uplink })
    for (const bytes of [50_000, 10, 60_000, 20])
      uploader.offerStatistics(new Uint8Array(bytes), { version: 0, epoch: 0 })
    await clock.advance(1000)
    largestBytes = 1000
    blocked = undefined
    for (let tick = 0; tick < 10; tick++) {
      uploader.pump()
      await clock.advance(100)
    }
    expect(sent).toEqual([10, 20])
    expect(uploader.stats).toMatchObject({ sent: 2, waiting: 0, dropped: { 'too-large': 2 } })
    uploader.close()
  })
})

describe('the pause after a sample', () => {
  it('ends some time, however slow the link was thought to be', async () => {
    const clock = new VirtualClock()
    const sentMs: number[] = []
    const uplink = {
      blocked: () => undefined,
      isUnwanted: false,
      working: () => false,
      send: () => sentMs.push(clock.now()) > 0,
      rateBps: 0.001,
      largestBytes: 1e6,
    }
    const { uploader } = uploaderOn(clock, { uplink })
    for (let time = 0; time < 2; time++)
      uploader.offerStatistics(new Uint8Array(100), { version: 0, epoch: 0 })
    await clock.advance(600_010)
    expect(sentMs).toHaveLength(2)
    uploader.close()
  })
})
