import { measuredCostController } from '@isthmus/policies'
import fc from 'fast-check'
import { from, lastValueFrom, toArray } from 'rxjs'
import { expect, test } from 'vitest'
import type { Answer, Stages } from './answer.ts'
import type { Telemetry } from './device-stats.ts'
import { LOCAL_LABEL, modes, SERVER_LABEL, World } from './world.test.kit.ts'

const sum = (stages: Stages) => Object.values(stages).reduce((a: number, b: number) => a + b, 0)
const addsUp = ({ stages, wallMs }: Answer) => Math.abs(sum(stages) - wallMs) <= 0.02 * wallMs

test('answers through the server when that is better and in time', async () => {
  const world = await World.create()
  const answer = await world.clock.until(world.device.infer(world.frame()))
  expect(answer).toMatchObject({ route: 'split', mode: modes.split, bundle: 'tiny@1.0.0', late: false })
  expect(answer.top[0]!.label).toBe(SERVER_LABEL)
  expect(answer.fallback).toBeUndefined()
  expect(answer.bytesUp).toBeGreaterThan(8)
  expect(answer.bytesUp).toBeLessThanOrEqual(8 + 64)
})

test('the stage times of a remote answer add up, and each is what really happened', async () => {
  const world = await World.create({ headMs: 4, tailMs: 30, rttMs: 20, rateBps: 50_000 })
  const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(addsUp(answer)).toBe(true)
  const { headMs, uplinkMs, downlinkMs, queueMs, decodeMs, tailMs, localMs, waitMs } = answer.stages
  expect(headMs).toBeCloseTo(4)
  expect(tailMs + queueMs + decodeMs).toBeCloseTo(30)
  expect(uplinkMs + downlinkMs).toBeCloseTo(20 + (8000 * answer.bytesUp) / 50_000, 0)
  expect(uplinkMs).toBeGreaterThan(10)
  expect(localMs).toBe(0)
  expect(waitMs).toBeCloseTo(0)
})

test('works on its own before any broker or server is there', async () => {
  const world = await World.create({}, false)
  const answer = await world.clock.until(world.device.infer(world.frame()))
  expect(answer).toMatchObject({ route: 'local', mode: modes.local })
  expect(answer.top[0]!.label).toBe(LOCAL_LABEL)
  expect(answer.wallMs).toBeCloseTo(10)
  expect(addsUp(answer)).toBe(true)
})

test.each([
  ['no connection', 'OFFLINE', async (world: World) => world.disconnect()],
  ['a server that has gone', 'SERVER_OFFLINE', async (world: World) => world.announce('offline')],
  ['a server that is draining', 'SERVER_DRAINING', async (world: World) => world.announce('draining')],
])('a frame meant for the server is answered locally at once with %s', async (_, code, change) => {
  const world = await World.create()
  await change(world)
  const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(answer).toMatchObject({ route: 'local', fallback: code })
  expect(answer.wallMs).toBeCloseTo(10)
})

test('nothing is sent to a server that does not offer the bundle', async () => {
  const world = await World.create({ offers: 1 })
  const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'edge' }))
  expect(answer).toMatchObject({ route: 'local', fallback: 'BUNDLE_MISMATCH' })
  expect(world.requests).toHaveLength(0)
  expect(world.probes).toBe(0)
})

test('no reply: the local answer starts just in time and is there by the deadline', async () => {
  const world = await World.create({ deadlineMs: 100, localMs: 10 })
  world.loseReplies = true
  const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(answer).toMatchObject({ route: 'local', fallback: 'NO_REPLY', late: false })
  expect(answer.wallMs).toBeLessThanOrEqual(100)
  expect(answer.wallMs).toBeGreaterThan(90)
  expect(addsUp(answer)).toBe(true)
  expect(world.localRuns).toBe(1)
})

test("now and then the local network runs beside a frame that is sent, and the answer is the server's", async () => {
  const policy = measuredCostController({ probeEvery: 0, localProbeShare: 0.1, staleMs: 1000 })
  const world = await World.create({ policy, localMs: 15 })
  for (let frame = 0; frame < 100; frame++) {
    const answer = await world.clock.until(world.device.infer(world.frame()))
    expect(answer).toMatchObject({ route: 'split', late: false })
    expect(answer.top[0]!.label).toBe(SERVER_LABEL)
    expect(answer.stages.localMs).toBe(0)
    await world.clock.advance(100)
  }
  expect(world.localRuns).toBeGreaterThan(5)
  expect(world.localRuns).toBeLessThanOrEqual(10)
})

test('a device that has slowed down knows it although all its frames are sent', async () => {
  let localMs = 10
  const policy = measuredCostController({ probeEvery: 0, staleMs: 500 })
  const world = await World.create({ policy, localMs: () => localMs })
  let telemetry: Telemetry | undefined
  world.device.telemetry$.subscribe((value) => {
    telemetry = value
  })
  const work = async (frames: number) => {
    for (let frame = 0; frame < frames; frame++) {
      await world.clock.until(world.device.infer(world.frame()))
      await world.clock.advance(100)
    }
  }
  await work(20)
  expect(telemetry!.stages.local).toEqual({ medianMs: 10, upperMs: 10 })
  localMs = 25
  await work(150)
  expect(telemetry!.stages.local).toEqual({ medianMs: 25, upperMs: 25 })
  expect(telemetry!.drifts).toBeGreaterThan(0)
})

test('the local model is not run when the reply comes in good time', async () => {
  const world = await World.create()
  await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  await world.clock.advance(500)
  expect(world.localRuns).toBe(0)
})

test('answers locally when the broker dies before the deadline, without waiting for it', async () => {
  const world = await World.create({ tailMs: 50 })
  const promise = world.device.infer(world.frame(), { route: 'split' })
  await world.clock.advance(15)
  world.disconnect()
  const answer = await world.clock.until(promise)
  expect(answer).toMatchObject({ route: 'local', fallback: 'CONNECTION_LOST' })
  expect(answer.wallMs).toBeCloseTo(25)
})

test('a new life of the server gives up what the old one had', async () => {
  const world = await World.create({ tailMs: 60 })
  const promise = world.device.infer(world.frame(), { route: 'split' })
  await world.clock.advance(15)
  world.epoch++
  world.serverBoot++
  world.announce()
  expect(await world.clock.until(promise)).toMatchObject({ route: 'local', fallback: 'SERVER_RESTARTED' })
})

test('a pause that a server has asked for ends with its life, also when its broker dies with it', async () => {
  const world = await World.create()
  world.answer = (request) => world.error(request, 'QUEUE_FULL', 30_000)
  await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(world.link.refusal()).toBe('SERVER_BUSY')
  const again = async () => {
    world.disconnect()
    world.announce()
    world.connect()
    await world.clock.advance(100)
  }
  await again()
  expect(world.link.refusal()).toBe('SERVER_BUSY')
  world.epoch++
  world.serverBoot++
  await again()
  expect(world.link.refusal()).toBeUndefined()
})

test('a local answer that is ready still waits for the better one until just before the deadline', async () => {
  const world = await World.create({ deadlineMs: 60, localMs: 30, tailMs: 28, rttMs: 20 })
  const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(world.localRuns).toBe(1)
  expect(answer.route).toBe('split')
  expect(answer.wallMs).toBeLessThanOrEqual(60)
})

test('a late reply changes nothing, is counted, and still measures the link', async () => {
  const world = await World.create()
  const answers: Answer[] = []
  world.device.answers$.subscribe((answer) => answers.push(answer))
  const before = world.link.estimate!
  world.options.rttMs = 400
  const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(answer).toMatchObject({ route: 'local', fallback: 'NO_REPLY' })
  await world.clock.advance(1000)
  expect(answers).toHaveLength(1)
  expect(world.device.stats.link!.lateReplies).toBe(1)
  const after = world.link.estimate!
  expect(after.spreadMs! + after.rttMs).toBeGreaterThan(before.spreadMs! + before.rttMs)
})

test('over credit the oldest frame that waits gets its local answer, newer ones are sent', async () => {
  const world = await World.create({ credits: 2, tailMs: 10 })
  const promises = Array.from({ length: 5 }, () => world.device.infer(world.frame(), { route: 'split' }))
  const answers = await world.clock.until(Promise.all(promises))
  const outcome = answers.map(({ route, fallback }) => fallback ?? route)
  expect(outcome).toEqual(['split', 'split', 'OVER_CREDIT', 'split', 'split'])
})

test('the server never has more requests of a device than it granted, however many frames there are', async () => {
  const world = await World.create({ credits: 8, serverCredits: 2, tailMs: 30, deadlineMs: 150 })
  let highest = 0
  world.answer = (request) => {
    highest = Math.max(highest, world.requests.length - world.answered)
    return world.reply(request)
  }
  for (let i = 0; i < 40; i++) {
    void world.device.infer(world.frame(), { route: 'split' })
    await world.clock.advance(7)
  }
  await world.clock.advance(1000)
  expect(world.requests.length).toBeGreaterThan(5)
  expect(highest).toBe(2)
})

test('an error of the server is answered locally at once and told', async () => {
  const world = await World.create()
  world.answer = (request) => world.error(request, 'QUEUE_FULL', 50)
  const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(answer).toMatchObject({
    route: 'local',
    fallback: 'SERVER_ERROR',
    serverError: { code: 'QUEUE_FULL', detail: expect.stringContaining('because') },
  })
  expect(answer.wallMs).toBeLessThan(50)
  const next = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(next.fallback).toBe('SERVER_BUSY')
  await world.clock.advance(60)
  world.answer = (request) => world.reply(request)
  expect((await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))).route).toBe('split')
})

test('a mode that the server will never take is not tried again until its next birth', async () => {
  const world = await World.create()
  world.answer = (request) => world.error(request, 'UNKNOWN_MODE')
  await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  const again = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(again.fallback).toBe('MODE_REFUSED')
  world.answer = (request) => world.reply(request)
  expect((await world.clock.until(world.device.infer(world.frame()))).route).toBe('edge')
  world.announce()
  expect((await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))).route).toBe('split')
})

test('a silent server gets nothing but probes, and frames again once it answers them', async () => {
  const world = await World.create({ probeIntervalMs: 500 })
  world.loseReplies = true
  for (let i = 0; i < 3; i++) await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  const silent = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(silent.fallback).toBe('SERVER_SILENT')
  expect(silent.wallMs).toBeCloseTo(10)
  expect((await world.clock.until(world.device.infer(world.frame()))).route).toBe('local')
  world.loseReplies = false
  await world.clock.advance(5000)
  expect((await world.clock.until(world.device.infer(world.frame()))).route).toBe('split')
})

test.each([
  ['of another shape', () => Float32Array.of(1, 2, 3)],
  ['with numbers that are not finite', () => Float32Array.of(1, Number.NaN, 3, 4)],
])('a reply %s is not believed', async (_, result) => {
  const world = await World.create()
  world.result = result()
  world.answer = (request) => {
    const body = world.reply(request)
    return body.kind === 'reply' ? { ...body, dims: [1, world.result.length] } : body
  }
  // A server of ours cannot even encode some of these; then nothing arrives, which is no answer either.
  const answer = await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(answer.route).toBe('local')
  expect(answer.fallback).toBe('BAD_REPLY')
})

test('duplicates, replies of an earlier life and garbage on the reply topic answer nothing', async () => {
  const world = await World.create({ tailMs: 30 })
  const answers: Answer[] = []
  world.device.answers$.subscribe((answer) => answers.push(answer))
  const promise = world.device.infer(world.frame(), { route: 'split' })
  await world.clock.advance(20)
  const request = world.requests[0]!
  const body = world.reply(request)
  const old = { ...body, echoUs: request.envelope.sentUs - 5 }
  world.sendReply(request.envelope.id, old as typeof body, new Uint8Array(16))
  world.sendBytes(Uint8Array.of(1, 2, 3))
  const answer = await world.clock.until(promise)
  expect(answer.top[0]!.label).toBe(SERVER_LABEL)
  world.sendReply(request.envelope.id, body, new Uint8Array(16))
  await world.clock.advance(100)
  expect(answers).toHaveLength(1)
  expect(world.device.stats.link).toMatchObject({ strayReplies: 2, unreadablePackets: 1 })
})

test('a local model slower than the deadline makes a late answer, and says so', async () => {
  const world = await World.create({ localMs: 150, deadlineMs: 100 }, false)
  const answer = await world.clock.until(world.device.infer(world.frame()))
  expect(answer).toMatchObject({ route: 'local', late: true })
  expect(world.device.stats.late).toBe(1)
})

test('without a local model a frame is rejected by its deadline at the latest', async () => {
  const world = await World.create({ hasLocal: false, deadlineMs: 100 })
  world.loseReplies = true
  const startMs = world.clock.now()
  const promise = world.clock.until(world.device.infer(world.frame()))
  await expect(promise).rejects.toMatchObject({ code: 'NO_ANSWER', retryable: true })
  expect(world.clock.now() - startMs).toBeLessThanOrEqual(100)
  world.disconnect()
  await expect(world.device.infer(world.frame())).rejects.toMatchObject({ code: 'NO_ANSWER' })
})

test('many frames without a reply: local answers are spread so that all are in time', async () => {
  const world = await World.create({ deadlineMs: 100, localMs: 18, credits: 5 })
  world.loseReplies = true
  const promises = Array.from({ length: 5 }, () => world.device.infer(world.frame(), { route: 'split' }))
  const answers = await world.clock.until(Promise.all(promises))
  for (const { wallMs, route } of answers) {
    expect(route).toBe('local')
    expect(wallMs).toBeLessThanOrEqual(100)
  }
})

test('requests carry the time left and, once known, the clock of the server', async () => {
  const world = await World.create({ headMs: 4 })
  await world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  const { envelope } = world.requests.at(-1)!
  expect(envelope.budgetUs).toBeCloseTo(96_000, -2)
  expect(envelope.boot).toBe(9)
  // When it was sent, the server's clock showed what it shows now less the time since then.
  const sinceUs = (world.clock.now() * 1000 - envelope.sentUs) | 0
  expect(Math.abs(world.serverUs() - sinceUs - envelope.receiverUs!)).toBeLessThan(2000)
})

test('the policy goes back to the server when the link has recovered', async () => {
  const world = await World.create()
  world.options.rateBps = 3000
  world.options.rttMs = 300
  for (let i = 0; i < 60; i++) {
    await world.clock.until(world.device.infer(world.frame()))
    await world.clock.advance(200)
  }
  expect((await world.clock.until(world.device.infer(world.frame()))).route).toBe('local')
  world.options.rateBps = 1e6
  world.options.rttMs = 20
  for (let i = 0; i < 300; i++) {
    await world.clock.until(world.device.infer(world.frame()))
    await world.clock.advance(200)
  }
  expect((await world.clock.until(world.device.infer(world.frame()))).route).toBe('split')
})

test('a jump of the wall clock changes nothing', async () => {
  const world = await World.create()
  const realNow = Date.now
  try {
    const promise = world.device.infer(world.frame(), { route: 'split' })
    Date.now = () => realNow() + 86_400_000
    expect(await world.clock.until(promise)).toMatchObject({ route: 'split', late: false })
    Date.now = () => 0
    expect(await world.clock.until(world.device.infer(world.frame()))).toMatchObject({ route: 'split' })
  } finally {
    Date.now = realNow
  }
})

test('a device whose clock has stood still for a while is answered again after one request', async () => {
  const world = await World.create()
  // As servers do: what took longer on its way than it had time is not computed.
  world.answer = (request) => {
    const { receiverUs = 0, budgetUs } = request.envelope
    const onItsWayUs = (world.serverUs() - receiverUs) | 0
    return onItsWayUs > budgetUs ? world.error(request, 'EXPIRED') : world.reply(request)
  }
  const infer = () => world.clock.until(world.device.infer(world.frame(), { route: 'split' }))
  expect(await infer()).toMatchObject({ route: 'split' })
  // The board slept for 20 s; the server and the connection did not.
  world.serverAheadMs += 20_000
  world.options.rttMs = 24
  expect(await infer()).toMatchObject({ route: 'local', fallback: 'SERVER_ERROR' })
  expect(await infer()).toMatchObject({ route: 'split' })
})

test('a policy may skip a frame; one that fails costs only the better answer', async () => {
  const plans = [
    () => ({ route: 'skip', mode: 0, expectedMs: 0, reason: 'nothing to see' }) as const,
    () => {
      throw new Error('no idea')
    },
  ]
  const world = await World.create({ policy: { decide: () => plans.shift()!() } })
  const skipped = await world.clock.until(world.device.infer(world.frame()))
  expect(skipped).toMatchObject({ route: 'skip', top: [], bytesUp: 0, reason: 'nothing to see' })
  const local = await world.clock.until(world.device.infer(world.frame()))
  expect(local).toMatchObject({ route: 'local', reason: expect.stringContaining('no idea') })
})

test('bad frames and modes are refused with what is wrong', async () => {
  const world = await World.create()
  const { device } = world
  await expect(device.infer(new Float32Array(3))).rejects.toMatchObject({ code: 'BAD_FRAME' })
  const short = { data: new Uint8Array(5), width: 4, height: 4 }
  await expect(device.infer(short)).rejects.toMatchObject({ code: 'BAD_FRAME' })
  const noImage = { data: Uint8Array.of(1, 2, 3), encoded: true } as const
  await expect(device.infer(noImage)).rejects.toMatchObject({ code: 'BAD_FRAME' })
  await expect(device.infer(new Float32Array(48), { route: 'edge' })).rejects.toMatchObject({
    code: 'BAD_FRAME',
  })
  await expect(device.infer(world.frame(), { mode: 99 })).rejects.toMatchObject({ code: 'UNKNOWN_MODE' })
  await expect(device.infer(world.frame(), { deadlineMs: -1 })).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
})

test('a stream of frames becomes a stream of answers, one for each', async () => {
  const world = await World.create()
  const frames = Array.from({ length: 50 }, (_, i) => world.frame(i))
  const answers = await world.clock.until(lastValueFrom(world.device.inferAll(from(frames)).pipe(toArray())))
  expect(answers.map(({ frame }) => frame).sort((a, b) => a - b)).toEqual(frames.map((_, i) => i + 1))
})

test('closing answers what is out, and refuses what comes after', async () => {
  const world = await World.create({ tailMs: 50 })
  const promise = world.device.infer(world.frame(), { route: 'split' })
  await world.clock.advance(10)
  const closing = world.device.close()
  expect(await world.clock.until(promise)).toMatchObject({ route: 'local', fallback: 'OFFLINE' })
  await world.clock.until(closing)
  await expect(world.device.infer(world.frame())).rejects.toMatchObject({ code: 'CLOSED' })
})

test('whatever happens to link, broker and server: one answer per frame, none after its deadline', async () => {
  const event = fc.record({
    kind: fc.constantFrom(
      'frame',
      'frame',
      'frame',
      'cut',
      'join',
      'lose',
      'find',
      'die',
      'rise',
      'drain',
      'slow',
    ),
    waitMs: fc.integer({ min: 0, max: 120 }),
    route: fc.constantFrom(undefined, 'split', 'edge', 'local') as fc.Arbitrary<
      'split' | 'edge' | 'local' | undefined
    >,
  })
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 5, maxLength: 40 }),
      fc.nat({ max: 300 }),
      async (events, rttMs) => {
        const world = await World.create({ deadlineMs: 200, localMs: 8, rttMs, credits: 4 })
        const promises: Promise<Answer>[] = []
        const published: Answer[] = []
        world.device.answers$.subscribe((answer) => published.push(answer))
        for (const { kind, waitMs, route } of events) {
          if (kind === 'frame') promises.push(world.device.infer(world.frame(), route ? { route } : {}))
          else if (kind === 'cut') world.disconnect()
          else if (kind === 'join') world.connect()
          else if (kind === 'lose') world.loseReplies = true
          else if (kind === 'find') world.loseReplies = false
          else if (kind === 'die') world.announce('offline')
          else if (kind === 'drain') world.announce('draining')
          else if (kind === 'slow') world.options.rateBps = 20_000
          else {
            world.epoch++
            world.serverBoot++
            world.announce()
          }
          await world.clock.advance(waitMs)
        }
        const answers = await world.clock.until(Promise.all(promises))
        await world.clock.advance(2000)
        expect(published).toHaveLength(answers.length)
        for (const answer of answers) {
          expect(answer.wallMs).toBeLessThanOrEqual(200)
          expect(addsUp(answer)).toBe(true)
        }
      },
    ),
    { numRuns: 60 },
  )
})
