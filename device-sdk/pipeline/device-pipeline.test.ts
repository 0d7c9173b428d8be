import type { BodyFields } from '@isthmus/proto'
import { encodeMessage } from '@isthmus/proto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PipelineAnswer } from './answer.ts'
import { failure, KEY, PipelineWorld, row, type Sketch } from './pipeline-world.test.kit.ts'

const hostsOf = ({ stages }: PipelineAnswer) => stages.map(({ id, host }) => `${id}:${host}`).join(' ')
const dataOf = ({ outputs }: PipelineAnswer) =>
  Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]))
const rejected = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    (error) => `${error.code}: ${error.message}`,
  )

describe('where stages run', () => {
  test('stages on both sides give what the device alone gives', async () => {
    const world = await PipelineWorld.create({ placement: { a: 'device', b: 'edge', c: 'device' } })
    const answer = await world.run()
    expect(hostsOf(answer)).toBe('a:device b:edge c:device')
    expect(dataOf(answer)).toEqual(world.expected())
    expect(answer).toMatchObject({
      late: false,
      replies: 1,
      placement: { a: 'device', b: 'edge', c: 'device' },
    })
    expect(answer.fallback).toBeUndefined()
    expect(answer.wallMs).toBeCloseTo(5 + 20 + 10 + 2 + (8000 * answer.bytesUp) / 1e6)
    expect(answer.stages.map(({ ms }) => ms)).toEqual([5, 2, 20])
  })

  test('a server that is quicker gets all of it, in one message', async () => {
    const world = await PipelineWorld.create()
    const answer = await world.run()
    expect(hostsOf(answer)).toBe('a:edge b:edge c:edge')
    expect(dataOf(answer)).toEqual(world.expected())
    expect(world.requests).toHaveLength(1)
    expect(answer.bytesUp).toBeLessThan(8 * 4 + 64)
    expect(answer.reason).toMatch(/3 of 3 stages on the server/)
  })

  test('a slow link keeps everything on the device', async () => {
    const world = await PipelineWorld.create({ rttMs: 90 })
    const answer = await world.run()
    expect(hostsOf(answer)).toBe('a:device b:device c:device')
    expect(answer.fallback).toBeUndefined()
    expect(world.requests).toHaveLength(0)
  })

  test('a stage that is named is where it is named, and the others are placed', async () => {
    const world = await PipelineWorld.create()
    const answer = await world.run({ placement: { a: 'device' } })
    expect(hostsOf(answer)).toBe('a:device b:edge c:edge')
  })

  test('a coded tensor crosses with a quarter of the bytes, near what it was', async () => {
    const stages = row.map((stage) => ({ ...stage, size: 1000 }))
    const placement = { a: 'device', b: 'edge', c: 'device' } as const
    const exact = await (await PipelineWorld.create({ stages, placement })).run()
    const world = await PipelineWorld.create({ stages, placement, coded: ['a.y', 'b.y'] })
    const coded = await world.run()
    expect(exact.bytesUp - coded.bytesUp).toBe(4000 - 1005)
    expect(exact.bytesDown - coded.bytesDown).toBe(4000 - 1005)
    const [want, got] = [world.expected().c!, dataOf(coded).c as Float32Array]
    expect(Math.max(...got.map((value, at) => Math.abs(value - want[at]!)))).toBeLessThan(0.05)
    expect(hostsOf(coded)).toBe('a:device b:edge c:device')
  })

  test('independent branches are asked for side by side', async () => {
    const stages: Sketch[] = [
      { id: 'left', reads: ['input'], edgeMs: 8 },
      { id: 'mine', reads: ['input'], deviceMs: 8 },
      { id: 'both', reads: ['left', 'mine'], deviceMs: 1 },
    ]
    const world = await PipelineWorld.create({
      stages,
      placement: { left: 'edge', mine: 'device', both: 'device' },
    })
    const answer = await world.run()
    expect(answer.wallMs).toBeLessThan(8 + 10 + 2 + 1)
    expect(dataOf(answer)).toEqual(world.expected())
  })
})

describe('by the deadline', () => {
  test('no reply: the rest is begun just in time on the device', async () => {
    const world = await PipelineWorld.create({ placement: { a: 'device', b: 'edge', c: 'edge' } })
    world.loseReplies = true
    const answer = await world.run()
    expect(answer).toMatchObject({ late: false, fallback: 'NO_REPLY', replies: 0 })
    expect(dataOf(answer)).toEqual(world.expected())
    expect(hostsOf(answer)).toBe('a:device b:device c:device')
    expect(answer.wallMs).toBeLessThanOrEqual(100)
    expect(answer.wallMs).toBeGreaterThan(90)
    expect(world.device.stats.fallbacks).toEqual({ NO_REPLY: 1 })
  })

  test('a reply that comes while the device has begun still counts', async () => {
    const world = await PipelineWorld.create({
      deadlineMs: 60,
      rttMs: 30,
      placement: { a: 'edge', b: 'edge', c: 'edge' },
    })
    const answer = await world.run()
    expect(world.ranHere).toEqual(['a', 'b', 'c'])
    expect(hostsOf(answer)).toBe('a:edge b:edge c:edge')
    expect(answer.fallback).toBeUndefined()
    expect(answer.wallMs).toBeLessThan(40)
  })

  test('a device that is too slow alone gets its answer from the server in time', async () => {
    const stages = row.map((stage) => ({ ...stage, deviceMs: 200 }))
    const world = await PipelineWorld.create({ stages })
    const answer = await world.run()
    expect(answer).toMatchObject({ late: false })
    expect(hostsOf(answer)).toBe('a:edge b:edge c:edge')
  })

  test('such a device answers late when nobody helps, and says so', async () => {
    const stages = row.map((stage) => ({ ...stage, deviceMs: 200 }))
    const world = await PipelineWorld.create({ stages }, false)
    expect(await world.run()).toMatchObject({ late: true, reason: expect.stringMatching(/broker/) })
  })

  test('a server that dies between two errands: what it gave is kept, the rest is done here', async () => {
    const world = await PipelineWorld.create({ placement: { a: 'edge', b: 'device', c: 'edge' } })
    const running = world.device.run(world.input)
    await world.clock.advance(13)
    expect(world.requests).toHaveLength(1)
    world.spoil = () => undefined
    await world.clock.advance(22)
    expect(world.requests).toHaveLength(2)
    world.disconnect()
    const answer = await world.clock.until(running)
    expect(hostsOf(answer)).toBe('a:edge b:device c:device')
    expect(answer).toMatchObject({ late: false, fallback: 'CONNECTION_LOST', replies: 1 })
    expect(dataOf(answer)).toEqual(world.expected())
  })

  test('many runs at once, none answered: all of them in time, one after the other', async () => {
    const world = await PipelineWorld.create({
      deadlineMs: 300,
      placement: { a: 'edge', b: 'edge', c: 'edge' },
    })
    world.loseRequests = true
    const runs: Promise<PipelineAnswer>[] = []
    for (let run = 0; run < 6; run++) {
      runs.push(world.device.run(world.input))
      await world.clock.advance(3)
    }
    const answers = await world.clock.until(Promise.all(runs))
    expect(answers.map(({ late }) => late)).toEqual(Array(6).fill(false))
    expect(world.ranHere).toHaveLength(18)
  })

  test('a long stage of a run with more time does not keep another from its deadline', async () => {
    const stages: Sketch[] = [{ id: 'long', reads: ['input'], deviceMs: 60 }]
    const world = await PipelineWorld.create({ stages })
    world.loseReplies = true
    const first = world.device.run(world.input, { deadlineMs: 130, placement: { long: 'edge' } })
    await world.clock.advance(20)
    const second = world.device.run(world.input, { deadlineMs: 1000, placement: { long: 'device' } })
    const answers = await world.clock.until(Promise.all([first, second]))
    expect(answers.map(({ late }) => late)).toEqual([false, false])
  })
})

describe('whatever the server does, the answer is the right one', () => {
  const away = { a: 'device', b: 'edge', c: 'edge' } as const
  test.each([
    ['no connection', 'OFFLINE', (world: PipelineWorld) => world.disconnect()],
    ['a server that has gone', 'SERVER_OFFLINE', (world: PipelineWorld) => world.announce('offline')],
    ['a server that is draining', 'SERVER_DRAINING', (world: PipelineWorld) => world.announce('draining')],
  ])('%s: at once on the device', async (_, code, change) => {
    const world = await PipelineWorld.create({ placement: away })
    change(world)
    const answer = await world.run()
    expect(answer).toMatchObject({ fallback: code, late: false })
    expect(answer.wallMs).toBeCloseTo(40)
    expect(dataOf(answer)).toEqual(world.expected())
  })

  test('a server with another pipeline is not asked', async () => {
    const world = await PipelineWorld.create({ key: 1, placement: away })
    expect(await world.run()).toMatchObject({ fallback: 'PIPELINE_MISMATCH' })
    expect(world.requests).toHaveLength(0)
  })

  test('a server without the model of a stage is not asked for that stage', async () => {
    const world = await PipelineWorld.create({ saysUs: [2000, 0, 2000], placement: away })
    const answer = await world.run()
    expect(answer).toMatchObject({ fallback: 'STAGE_MISSING' })
    expect(world.requests).toHaveLength(0)
    const planned = await world.run({ placement: { a: 'edge', b: 'device', c: 'edge' } })
    expect(hostsOf(planned)).toBe('a:edge b:device c:edge')
  })

  test.each([
    'UNKNOWN_PIPELINE',
    'UNKNOWN_STAGE',
    'STAGE_FAILED',
    'QUEUE_FULL',
    'DRAINING',
    'EXPIRED',
  ] as const)('an error %s: at once on the device, with what the server said', async (code) => {
    const world = await PipelineWorld.create({ placement: away })
    world.refuse = code
    const answer = await world.run()
    expect(answer).toMatchObject({ fallback: 'SERVER_ERROR', serverError: { code }, late: false })
    expect(answer.wallMs).toBeLessThan(60)
    expect(dataOf(answer)).toEqual(world.expected())
  })

  test('a pipeline that was refused is not asked for again before the server says anew what it has', async () => {
    const world = await PipelineWorld.create({ placement: away })
    world.refuse = 'UNKNOWN_PIPELINE'
    await world.run()
    world.refuse = undefined
    expect(await world.run()).toMatchObject({ fallback: 'STAGES_REFUSED' })
    expect(world.requests).toHaveLength(1)
    world.announce()
    expect((await world.run()).fallback).toBeUndefined()
  })

  const spoils: [string, (body: BodyFields, payload: Uint8Array) => readonly [BodyFields, Uint8Array]][] = [
    ['another pipeline', (body, payload) => [{ ...body, pipeline: 1 } as BodyFields, payload]],
    ['a tensor too short', (body, payload) => [body, payload.subarray(4)]],
    ['a tensor too long', (body, payload) => [body, new Uint8Array(payload.length + 4)]],
    ['no tensor', (body) => [body, new Uint8Array(0)]],
    ['100 kB', (body) => [body, new Uint8Array(100_000)]],
    ['NaN', (body, payload) => [body, payload.map((_, at) => (at % 4 === 3 ? 0x7f : 0xff))]],
    ['times of other stages', (body, payload) => [{ ...body, stageUs: [1] } as BodyFields, payload]],
    [
      'the result of a bundle',
      ({ echoUs, receivedUs, epoch }: Record<string, unknown>) => [
        { kind: 'reply', bundle: KEY, dims: [1], echoUs, receivedUs, epoch } as BodyFields,
        new Uint8Array(4),
      ],
    ] as never,
  ]
  test.each(spoils)('a reply with %s is not believed', async (_, spoil) => {
    const world = await PipelineWorld.create({ placement: away })
    world.spoil = spoil
    const answer = await world.run()
    expect(answer).toMatchObject({ fallback: 'BAD_REPLY', late: false, replies: 0 })
    expect(dataOf(answer)).toEqual(world.expected())
  })

  test('a reply that is cut short is none', async () => {
    const world = await PipelineWorld.create({ placement: away })
    world.spoil = (body, payload) => encodeMessage({ envelope: { id: 1 }, body }, payload).subarray(0, -9)
    const answer = await world.run()
    expect(answer).toMatchObject({ fallback: 'NO_REPLY', late: false })
    expect(world.link.counters.unreadablePackets).toBe(1)
  })

  test('tensors that no message holds are not sent, and not planned to be', async () => {
    const stages = row.map((stage) => ({ ...stage, size: stage.id === 'a' ? 40_000 : 8 }))
    const world = await PipelineWorld.create({ stages, placement: { a: 'device', b: 'edge' } })
    const answer = await world.run()
    expect(answer).toMatchObject({ fallback: 'TOO_LARGE', late: false, bytesUp: 0 })
    expect(dataOf(answer)).toEqual(world.expected())
    const other = await PipelineWorld.create({ stages, placement: { c: 'edge' } })
    expect((await other.run()).fallback).toBeUndefined()
    const coming = await PipelineWorld.create({ stages, placement: { a: 'edge', b: 'device', c: 'device' } })
    expect(await coming.run()).toMatchObject({ fallback: 'TOO_LARGE', bytesUp: 0 })
  })

  test('a server that takes only small messages is not sent large ones', async () => {
    const world = await PipelineWorld.create({
      inputSize: 500,
      maxMessageBytes: 1024,
      placement: { a: 'edge' },
    })
    expect(await world.run()).toMatchObject({ fallback: 'TOO_LARGE', bytesUp: 0 })
  })
})

describe('a server that lies about its load', () => {
  test.each([
    ['a queue without end', { waitUs: 0xffffffff }],
    ['stages that take an hour', { saysUs: [0xffffffff, 0xffffffff, 0xffffffff] }],
  ])('%s: it is left alone, and nothing breaks', async (_, lie) => {
    const world = await PipelineWorld.create(lie)
    const answer = await world.run()
    expect(hostsOf(answer)).toBe('a:device b:device c:device')
    expect(answer.wallMs).toBeCloseTo(40)
    expect(Number.isFinite(answer.wallMs)).toBe(true)
  })

  test('one that says it is quick and is not is found out by what it takes', async () => {
    const stages = row.map((stage) => ({ ...stage, edgeMs: 25 }))
    const world = await PipelineWorld.create({ stages, saysUs: [1, 1, 1], deadlineMs: 200 })
    expect(hostsOf(await world.run())).toBe('a:edge b:edge c:edge')
    expect(hostsOf(await world.run())).toBe('a:device b:device c:device')
  })

  test('one that never answers is found out, too, and asked again after a while', async () => {
    const world = await PipelineWorld.create({ saysUs: [1, 1, 1] })
    world.spoil = () => undefined
    expect(await world.run()).toMatchObject({ fallback: 'NO_REPLY', late: false })
    // Its probes are answered meanwhile: the link is not to blame.
    await world.clock.advance(15_000)
    const second = await world.run()
    expect(hostsOf(second)).toBe('a:device b:device c:device')
    expect(second.fallback).toBeUndefined()
    await world.clock.advance(20_000)
    expect(await world.run()).toMatchObject({ fallback: 'NO_REPLY', late: false })
  })

  test('times in a reply that are longer than the exchange are cut to it', async () => {
    const world = await PipelineWorld.create()
    world.spoil = (body, payload) => [
      { ...body, stageUs: [0xffffffff, 0, 0xffffffff] } as BodyFields,
      payload,
    ]
    const answer = await world.run()
    const sum = answer.stages.reduce((total, { ms }) => total + ms, 0)
    expect(sum).toBeLessThanOrEqual(answer.wallMs + 1e-6)
  })
})

describe('stages for servers only', () => {
  const stages: Sketch[] = [
    row[0]!,
    { id: 'big', reads: ['a'], serverOnly: true },
    { id: 'c', reads: ['big'] },
  ]

  test('run on the server, whatever the others do', async () => {
    const world = await PipelineWorld.create({ stages })
    const answer = await world.run()
    expect(answer.stages.find(({ id }) => id === 'big')?.host).toBe('edge')
    expect(dataOf(answer)).toEqual(world.expected())
  })

  test('without a server there is an error that names the stage, at once', async () => {
    const world = await PipelineWorld.create({ stages }, false)
    expect(await rejected(world.run())).toMatch(/^STAGE_UNAVAILABLE: .*'big'/)
    expect(world.device.stats.failed).toBe(1)
  })

  test('a server that does not have the stage either is an error that names it', async () => {
    const world = await PipelineWorld.create({ stages, saysUs: [2000, 0, 2000] })
    expect(await rejected(world.run())).toMatch(/^STAGE_UNAVAILABLE: .*'big'.*does not have the model/)
    expect(world.requests).toHaveLength(0)
    expect(world.device.stats.policyFailures).toBe(0)
  })

  test('without a reply there is that error at the deadline', async () => {
    const world = await PipelineWorld.create({ stages })
    world.loseReplies = true
    const startMs = world.clock.now()
    expect(await rejected(world.run())).toMatch(/^STAGE_UNAVAILABLE: .*'big'.* No reply came in time/)
    expect(world.clock.now() - startMs).toBeCloseTo(100, 0)
  })

  test('with an error of the server, what it said', async () => {
    const world = await PipelineWorld.create({ stages })
    world.refuse = 'STAGE_FAILED'
    expect(await rejected(world.run())).toMatch(/^STAGE_UNAVAILABLE: .*It said: because/)
  })
})

describe('on the device', () => {
  test('a thread that dies costs one run of a stage, not the answer', async () => {
    const world = await PipelineWorld.create({ placement: { a: 'device', b: 'device', c: 'device' } })
    world.failing.set('b', failure('WORKER_DIED', true))
    expect(dataOf(await world.run())).toEqual(world.expected())
    expect(world.ranHere).toEqual(['a', 'b', 'b', 'c'])
  })

  test('a stage that cannot be run is an error that names it', async () => {
    const world = await PipelineWorld.create({ placement: { a: 'device', b: 'device', c: 'edge' } })
    world.failing.set('b', failure('RUN_FAILED', false))
    expect(await rejected(world.run())).toMatch(/^LOCAL_FAILED: Stage 'b'/)
  })

  test('a stage that fails here after the deadline, with the server still silent, ends the run', async () => {
    const stages = row.map((stage) => ({ ...stage, deviceMs: 60 }))
    const placement = { a: 'edge', b: 'edge', c: 'edge' } as const
    const world = await PipelineWorld.create({ stages, placement })
    world.loseReplies = true
    world.failing.set('c', failure('RUN_FAILED', false))
    expect(await rejected(world.run())).toMatch(/^LOCAL_FAILED: Stage 'c'/)
  })

  test('such a stage does not matter while the server runs it', async () => {
    const world = await PipelineWorld.create({
      deadlineMs: 45,
      rttMs: 30,
      placement: { a: 'edge', b: 'edge', c: 'edge' },
    })
    world.failing.set('a', failure('RUN_FAILED', false))
    const answer = await world.run()
    expect(world.ranHere).toEqual(['a'])
    expect(hostsOf(answer)).toBe('a:edge b:edge c:edge')
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('no idea')
      },
    ],
    ['gives nothing', () => undefined as never],
    ['forgets a stage', () => ({ hosts: ['edge', 'edge'], expectedMs: 1, reason: '' }) as never],
    ['names another host', () => ({ hosts: ['edge', 'moon', 'edge'], expectedMs: 1, reason: '' }) as never],
  ])('a policy that %s costs only the better answer', async (_, place) => {
    const world = await PipelineWorld.create({ policy: { place } })
    const answer = await world.run()
    expect(hostsOf(answer)).toBe('a:device b:device c:device')
    expect(answer.reason).toMatch(/^the policy failed/)
    expect(world.device.stats.policyFailures).toBe(1)
  })

  test('wrong inputs and placements are refused by name before anything runs', async () => {
    const world = await PipelineWorld.create()
    const run = (inputs: object, options = {}) => rejected(world.device.run(inputs as never, options))
    expect(await run({})).toMatch(/^BAD_INPUT: Input 'x' is missing/)
    expect(await run({ x: new Float32Array(7) })).toMatch(
      /^BAD_INPUT: Input 'x'.*8 elements.*Float32Array of 7/,
    )
    expect(await run({ x: new Float64Array(8) })).toMatch(/^BAD_INPUT/)
    expect(await run({ x: [1, 2] })).toMatch(/^BAD_INPUT/)
    expect(await run({ ...world.input, y: 1 })).toMatch(/^BAD_INPUT: .*'y'/)
    const tensor = { dtype: 'float32', dims: [2, 4], data: new Float32Array(8) }
    expect(await run({ x: tensor })).toMatch(/^BAD_INPUT: .*\[2,4\]/)
    expect(await run(world.input, { placement: { bb: 'edge' } })).toMatch(/^BAD_OPTIONS: placement\.bb/)
    expect(await run(world.input, { placement: { b: 'moon' } })).toMatch(/^BAD_OPTIONS: placement\.b /)
    expect(await run(world.input, { deadlineMs: Number.NaN })).toMatch(/^BAD_OPTIONS: deadlineMs/)
    expect(world.ranHere).toEqual([])
  })

  test('closing finishes what waits for the server on the device', async () => {
    const world = await PipelineWorld.create({ placement: { a: 'edge', b: 'edge', c: 'edge' } })
    const running = world.device.run(world.input)
    const closing = world.device.close()
    const answer = await world.clock.until(running)
    await world.clock.until(closing)
    expect(answer).toMatchObject({ fallback: 'OFFLINE' })
    expect(await rejected(world.device.run(world.input))).toMatch(/^CLOSED/)
  })
})

test('any graph, any placement, any loss: the right answer, in time', async () => {
  const worlds = fc.record({
    reads: fc
      .integer({ min: 1, max: 6 })
      .chain((count) =>
        fc.tuple(
          ...Array.from({ length: count }, (_, at) => fc.subarray(Array.from({ length: at }, (_, k) => k))),
        ),
      ),
    hosts: fc.array(fc.constantFrom('device', 'edge', undefined), { minLength: 6, maxLength: 6 }),
    trouble: fc.constantFrom('none', 'lost requests', 'lost replies', 'error', 'bad reply', 'cut off'),
    atMs: fc.integer({ min: 0, max: 80 }),
  })
  await fc.assert(
    fc.asyncProperty(worlds, async ({ reads, hosts, trouble, atMs }) => {
      const stages = reads.map((from, at) => ({
        id: `s${at}`,
        reads: from.length === 0 ? ['input'] : from.map((one) => `s${one}`),
      }))
      const named = stages.flatMap(({ id }, at) => (hosts[at] ? [[id, hosts[at]] as const] : []))
      const placement = Object.fromEntries(named) as Record<string, 'device' | 'edge'>
      const read = new Set(stages.flatMap(({ reads }) => reads))
      const outputs = stages.flatMap(({ id }) => (read.has(id) ? [] : [id]))
      const world = await PipelineWorld.create({ stages, outputs, placement, deadlineMs: 120 })
      const running = world.device.run(world.input)
      await world.clock.advance(atMs)
      if (trouble === 'lost requests') world.loseRequests = true
      if (trouble === 'lost replies') world.loseReplies = true
      if (trouble === 'error') world.refuse = 'STAGE_FAILED'
      if (trouble === 'bad reply') world.spoil = (body) => [body, new Uint8Array(4)]
      if (trouble === 'cut off') world.disconnect()
      const answer = await world.clock.until(running)
      expect(dataOf(answer)).toEqual(world.expected())
      expect(answer.late).toBe(false)
      const planned = Object.values(answer.placement).includes('edge')
      if (trouble === 'none') expect(answer.fallback).toBeUndefined()
      if (answer.fallback) expect(planned).toBe(true)
    }),
    { numRuns: 150 },
  )
})
