import {
  type BodyFields,
  clockUs32,
  decodeMessage,
  type Envelope,
  type ErrorReply,
  encodeMessage,
  type InferReply,
  type Message,
  topic,
  wireErrorCodeOf,
} from '@isthmus/proto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bundleOf } from './bundle.test.support.ts'
import { Catalog } from './catalog.ts'
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts'
import type { Outcome, Work, WorkRunner } from './work.ts'

const SITE = 'yard'
const EPOCH = 4711
const result: Outcome = {
  ok: true,
  result: Float32Array.of(0.25, 0.75),
  dims: [1, 2],
  decodeMs: 1,
  tailMs: 4,
}

/** Computes when it is told to. */
class FakeRunner implements WorkRunner {
  slots: number
  readonly jobs: { work: Work; finish: (outcome: Outcome) => Promise<void> }[] = []
  started = 0
  #handler: () => void = () => {}

  constructor(slots: number) {
    this.slots = slots
  }

  accepts(): boolean {
    return this.slots > 0
  }

  onVacancy(handler: () => void): void {
    this.#handler = handler
  }

  run(work: Work): Promise<Outcome> {
    this.slots--
    this.started++
    return new Promise((resolve) => {
      const finish = async (outcome: Outcome) => {
        this.slots++
        resolve(outcome)
        await new Promise((done) => setImmediate(done))
        this.#handler()
      }
      this.jobs.push({ work, finish })
    })
  }
}

function start(options: Partial<DispatcherOptions> & { slots?: number } = {}) {
  const runner = new FakeRunner(options.slots ?? 1)
  const sent: { topic: string; message: Message }[] = []
  const counted: string[] = []
  const time = { nowMs: 1000 }
  const dispatcher = new Dispatcher({
    site: SITE,
    epoch: EPOCH,
    catalog: new Catalog([bundleOf()]),
    runner,
    send: (name, packet) => sent.push({ topic: name, message: decodeMessage(packet) }),
    observer: {
      answered: (route, stages) => counted.push(`answered ${route} ${stages.serverMs}`),
      ran: (_pipeline, stages, stageMs) => counted.push(`ran ${stages} ${stageMs}`),
      refused: (_device, code) => counted.push(`refused ${code}`),
      garbage: (_device, code) => counted.push(`garbage ${code}`),
      strangeBundle: (_device, bundle) => counted.push(`strange ${bundle}`),
    },
    clock: () => time.nowMs,
    queue: 4,
    credits: 100,
    maxWaitMs: 10_000,
    maxMessageBytes: 131_072,
    maxDevices: 100,
    ...options,
  })
  let id = 0
  const ask = (device = 'cam', envelope: Partial<Envelope> = {}, body: Partial<BodyFields> = {}) => {
    id++
    const packet = encodeMessage(
      {
        envelope: { id, boot: 1, sequence: id, sentUs: 55, ...envelope },
        body: { kind: 'infer', bundle: 77, mode: 1, route: 'split', ...body } as BodyFields,
      },
      Uint8Array.of(1, 2, 3, 4),
    )
    dispatcher.receive(topic(SITE, device, 'infer'), packet)
    return id
  }
  const codes = () =>
    sent.map(({ message }) =>
      message.body.kind === 'error' ? wireErrorCodeOf(message.body.code) : message.body.kind,
    )
  return { dispatcher, runner, sent, counted, time, ask, codes }
}

describe('answering a request', () => {
  it('gives the result, its times and the clocks back to the one who asked', async () => {
    const { runner, sent, time, ask } = start()
    const id = ask('cam', { sentUs: 123 })
    time.nowMs = 1020
    await runner.jobs[0]!.finish(result)
    expect(sent).toHaveLength(1)
    const { body, envelope, payload } = sent[0]!.message
    expect(sent[0]!.topic).toBe(topic(SITE, 'cam', 'reply'))
    expect(envelope.id).toBe(id)
    expect(body).toEqual({
      kind: 'reply',
      bundle: 77,
      dims: [1, 2],
      echoUs: 123,
      receivedUs: clockUs32(1000),
      serverUs: 20_000,
      queueUs: 15_000,
      decodeUs: 1000,
      tailUs: 4000,
      epoch: EPOCH,
      patch: 0,
      patchEpoch: 0,
      decoders: [],
      decoderValues: [],
    } satisfies InferReply)
    expect([...new Float32Array(payload.slice().buffer)]).toEqual([0.25, 0.75])
  })

  it('has stage times whose sum is the time in the server, whatever the clocks say', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 50, noNaN: true }),
        fc.double({ min: 0, max: 50, noNaN: true }),
        fc.double({ min: 0, max: 50, noNaN: true }),
        async (decodeMs, tailMs, passedMs) => {
          const { runner, sent, time, ask } = start()
          ask()
          time.nowMs += passedMs
          await runner.jobs[0]!.finish({ ...(result as Outcome & { ok: true }), decodeMs, tailMs })
          const reply = sent[0]!.message.body as InferReply
          expect(reply.queueUs + reply.decodeUs + reply.tailUs).toBe(reply.serverUs)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('goes to another topic of the sender when asked to', async () => {
    const { runner, sent, ask } = start()
    ask('cam', { replyTopic: topic(SITE, 'cam', 'tell') })
    await runner.jobs[0]!.finish(result)
    expect(sent[0]!.topic).toBe(topic(SITE, 'cam', 'tell'))
  })

  it('refuses to answer elsewhere, and says so only to the sender', () => {
    const { sent, codes, ask } = start()
    ask('cam', { replyTopic: topic(SITE, 'other', 'reply') })
    expect(codes()).toEqual(['NOT_ALLOWED'])
    expect(sent[0]!.topic).toBe(topic(SITE, 'cam', 'reply'))
  })

  it('copies the payload: the packet may be overwritten at once', () => {
    const { dispatcher, runner } = start()
    const packet = encodeMessage(
      {
        envelope: { id: 1, boot: 1, sequence: 1 },
        body: { kind: 'infer', bundle: 77, mode: 1, route: 'split' },
      },
      Uint8Array.of(1, 2, 3, 4),
    )
    dispatcher.receive(topic(SITE, 'cam', 'infer'), packet)
    packet.fill(0)
    expect([...runner.jobs[0]!.work.payload]).toEqual([1, 2, 3, 4])
    expect(runner.jobs[0]!.work.payload.buffer.byteLength).toBe(4)
  })

  it('says TAIL_FAILED when the worker could not compute it', async () => {
    const { runner, codes, sent, ask } = start()
    ask()
    await runner.jobs[0]!.finish({ ok: false, code: 'TAIL_FAILED', detail: 'broken' })
    expect(codes()).toEqual(['TAIL_FAILED'])
    expect((sent[0]!.message.body as ErrorReply).retryAfterMs).toBeGreaterThan(0)
  })

  it('counts for a wait what a frame took of the run that it shared with others', async () => {
    const waits = async (batch: number, ownMs = 0) => {
      const { dispatcher, runner, ask } = start()
      for (let frame = 0; frame < 60; frame++) {
        ask()
        await runner.jobs[frame]!.finish({ ...result, tailMs: 40, ownMs, batch })
      }
      ask()
      return dispatcher.waitMs(1)
    }
    expect(await waits(1)).toBeCloseTo(41, 0)
    expect(await waits(4)).toBeCloseTo(11, 0)
    expect(await waits(4, 20)).toBeCloseTo(26, 0)
  })

  it('answers a probe with its size', () => {
    const { sent, ask } = start()
    ask('cam', { sentUs: 9 }, { kind: 'probe' })
    expect(sent[0]!.message.body).toMatchObject({ kind: 'probeReply', echoUs: 9, epoch: EPOCH })
  })
})

describe('deadlines and order', () => {
  it('computes what is due first, first', async () => {
    const { runner, ask } = start()
    ask('a')
    ask('b', { budgetUs: 900_000 })
    ask('c', { budgetUs: 200_000 })
    ask('d', { budgetUs: 500_000 })
    for (let n = 0; n < 4; n++) await runner.jobs[n]!.finish(result)
    const due = runner.jobs.slice(1).map(({ work }) => work.deadlineMs)
    expect(due).toEqual([1200, 1500, 1900])
  })

  it('answers EXPIRED, computing nothing, to what arrives too late', () => {
    const { runner, codes, ask } = start()
    ask('cam', { budgetUs: 10_000, receiverUs: clockUs32(985) })
    expect(codes()).toEqual(['EXPIRED'])
    expect(runner.started).toBe(0)
  })

  it('answers EXPIRED, computing nothing, to what expires while it waits', () => {
    const { dispatcher, runner, codes, time, ask } = start({ slots: 0 })
    ask('cam', { budgetUs: 10_000 })
    dispatcher.tick()
    expect(codes()).toEqual([])
    time.nowMs += 11
    dispatcher.tick()
    dispatcher.tick()
    expect(codes()).toEqual(['EXPIRED'])
    expect(runner.started).toBe(0)
    expect(dispatcher.queued).toBe(0)
  })

  it('does not hand out what has expired when a worker becomes free, though nobody has ticked', async () => {
    const { runner, codes, time, ask } = start()
    ask('a')
    ask('b', { budgetUs: 10_000 })
    time.nowMs += 20
    await runner.jobs[0]!.finish(result)
    expect(codes().toSorted()).toEqual(['EXPIRED', 'reply'])
    expect(runner.started).toBe(1)
  })
})

describe('limits', () => {
  it('answers QUEUE_FULL beyond the queue, and makes room by what has expired', () => {
    const { codes, time, ask } = start({ slots: 0 })
    for (let n = 0; n < 5; n++) ask(`d${n}`, { budgetUs: n === 0 ? 5000 : 0 })
    expect(codes()).toEqual(['QUEUE_FULL'])
    time.nowMs += 10
    ask('late')
    expect(codes()).toEqual(['QUEUE_FULL', 'EXPIRED'])
  })

  it('gives each device its credits back when it is answered, and not before', async () => {
    const { runner, codes, ask } = start({ slots: 2, credits: 2 })
    ask('a')
    ask('a')
    ask('a')
    ask('b', {}, { bundle: 1 })
    expect(codes()).toEqual(['OVER_CREDIT', 'UNKNOWN_BUNDLE'])
    await runner.jobs[0]!.finish(result)
    ask('a')
    expect(codes()).toEqual(['OVER_CREDIT', 'UNKNOWN_BUNDLE', 'reply'])
    expect(runner.started).toBe(3)
  })

  it('lets who has leased have more outstanding, and go first, whatever the others do', async () => {
    const leases = { creditsOf: (device: string) => (device === 'leased' ? 2 : 0), credits: 2 }
    const { runner, codes, sent, ask } = start({ slots: 1, queue: 4, credits: 1, leases })
    for (const device of ['first', 'a', 'b', 'c', 'd']) ask(device)
    // Two of the four places are promised.
    expect(codes()).toEqual(['QUEUE_FULL', 'QUEUE_FULL'])
    ask('leased')
    ask('leased')
    ask('leased')
    expect(codes()).toEqual(['QUEUE_FULL', 'QUEUE_FULL', 'OVER_CREDIT'])
    for (let at = 0; at < 5; at++) await runner.jobs[at]!.finish(result)
    const answered = sent.filter(({ message }) => message.body.kind === 'reply').map((reply) => reply.topic)
    expect(answered.map((name) => name.split('/')[3])).toEqual(['first', 'leased', 'leased', 'a', 'b'])
  })

  it('leaves to other servers what names them', () => {
    const { codes, ask } = start({ isOurs: (server) => server === undefined || server === 9 })
    ask('a', { server: 8 }, { bundle: 1 })
    expect(codes()).toEqual([])
    ask('a', { server: 9 }, { bundle: 1 })
    ask('a', {}, { bundle: 1 })
    expect(codes()).toEqual(['UNKNOWN_BUNDLE', 'UNKNOWN_BUNDLE'])
  })

  it('answers the same id of the same boot once, and again after a restart', () => {
    const { codes, ask } = start({ slots: 10, queue: 10 })
    ask('a', { id: 5, boot: 1 })
    ask('a', { id: 5, boot: 1 })
    ask('a', { id: 5, boot: 2 })
    ask('b', { id: 5, boot: 1 })
    expect(codes()).toEqual(['REPLAYED'])
  })

  it('remembers a bounded number of devices', () => {
    const { dispatcher, ask } = start({ maxDevices: 10 })
    for (let n = 0; n < 1000; n++) ask(`d${n}`, {}, { bundle: 1 })
    expect(dispatcher.devicesKnown).toBe(10)
  })

  it('answers every request exactly once, whatever is asked and whatever becomes of it', async () => {
    const moves = fc.array(
      fc.oneof(
        fc.record({ ask: fc.integer({ min: 0, max: 3 }), budgetUs: fc.constantFrom(0, 3000, 20_000) }),
        fc.record({ pass: fc.integer({ min: 0, max: 10 }) }),
        fc.record({ finish: fc.boolean() }),
      ),
      { maxLength: 60 },
    )
    await fc.assert(
      fc.asyncProperty(moves, async (steps) => {
        const { dispatcher, runner, sent, time, ask } = start({ slots: 2, credits: 3 })
        const asked: number[] = []
        for (const step of steps) {
          if ('ask' in step) asked.push(ask(`d${step.ask}`, { budgetUs: step.budgetUs }))
          else if ('pass' in step) {
            time.nowMs += step.pass
            dispatcher.tick()
          } else {
            const failed: Outcome = { ok: false, code: 'TAIL_FAILED', detail: '' }
            await runner.jobs.shift()?.finish(step.finish ? result : failed)
          }
        }
        while (runner.jobs.length > 0) await runner.jobs.shift()!.finish(result)
        expect(sent.map(({ message }) => message.envelope.id).toSorted((a, b) => a - b)).toEqual(asked)
        expect(dispatcher.queued + dispatcher.computing).toBe(0)
      }),
    )
  })
})

describe('what cannot be used', () => {
  const garbage = Uint8Array.of(1, 2, 3)

  it('is answered with a typed error at a bounded rate, and counted every time', () => {
    const { dispatcher, counted, sent, time } = start()
    for (let n = 0; n < 100; n++) dispatcher.receive(topic(SITE, 'cam', 'infer'), garbage)
    expect(counted).toHaveLength(100)
    expect(sent).toHaveLength(5)
    expect(sent[0]).toMatchObject({
      topic: topic(SITE, 'cam', 'reply'),
      message: { envelope: { id: 0 }, body: { kind: 'error', echoUs: 0 } },
    })
    time.nowMs += 60_000
    dispatcher.receive(topic(SITE, 'cam', 'state'), garbage)
    expect(sent).toHaveLength(6)
  })

  it('never throws, and answers only the device on whose topic it came', () => {
    const { dispatcher, sent } = start({ slots: 1000, queue: 1000 })
    const real = encodeMessage(
      {
        envelope: { id: 1, boot: 1, sequence: 1 },
        body: { kind: 'infer', bundle: 77, mode: 1, route: 'split' },
      },
      Uint8Array.of(1, 2, 3, 4),
    )
    const flipped = fc.tuple(fc.nat(real.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, mask]) => {
      const packet = real.slice()
      packet[at]! ^= mask
      return packet
    })
    const packets = fc.oneof(fc.uint8Array({ maxLength: 200 }), flipped)
    const verbs = fc.constantFrom('infer', 'birth', 'state', 'reply', 'sample')
    fc.assert(
      fc.property(packets, verbs, fc.boolean(), (packet, verb, retained) => {
        dispatcher.receive(`isthmus/1/${SITE}/cam/${verb}`, packet, retained)
      }),
    )
    expect(new Set(sent.map((message) => message.topic))).toEqual(new Set([topic(SITE, 'cam', 'reply')]))
  })

  it('is passed over on topics that are not of this site, and from the server itself', () => {
    const { dispatcher, counted, sent } = start()
    for (const name of [
      'x',
      'isthmus/1/other/cam/infer',
      `isthmus/1/${SITE}/edge/state`,
      `isthmus/1/${SITE}/edge-2/birth`,
    ]) {
      dispatcher.receive(name, garbage)
    }
    expect(counted).toEqual([])
    expect(sent).toEqual([])
  })

  it('is a request that a broker has kept, and a cleared retained message', () => {
    const { dispatcher, counted, runner } = start()
    dispatcher.receive(topic(SITE, 'cam', 'infer'), garbage, true)
    dispatcher.receive(topic(SITE, 'cam', 'birth'), new Uint8Array(0), true)
    expect(counted).toEqual([])
    expect(runner.started).toBe(0)
  })
})

describe('devices that come and go', () => {
  const say = (dispatcher: Dispatcher, device: string, body: BodyFields) =>
    dispatcher.receive(
      topic(SITE, device, body.kind === 'birth' ? 'birth' : 'state'),
      encodeMessage({ envelope: { boot: 1, sequence: 1 }, body }),
    )

  it('are counted as they say that they are online or are said to be gone', () => {
    const { dispatcher } = start()
    say(dispatcher, 'a', { kind: 'state', presence: 'online' })
    say(dispatcher, 'b', { kind: 'state', presence: 'online' })
    say(dispatcher, 'a', { kind: 'state', presence: 'offline' })
    expect(dispatcher.devicesOnline).toBe(1)
  })

  it('are told of when they bring a bundle that is not served', () => {
    const { dispatcher, counted } = start()
    const bundles = [
      { name: 'tiny', version: '1.0.0', key: 77 },
      { name: 'tiny', version: '2.0.0', key: 78 },
    ]
    say(dispatcher, 'a', { kind: 'birth', software: 'x', bundles })
    expect(counted).toEqual(['strange tiny@2.0.0'])
  })
})

describe('draining', () => {
  it('finishes what it has, refuses what comes, and tells when it is done', async () => {
    const { dispatcher, runner, codes, ask } = start()
    ask('a')
    ask('b')
    let done = false
    const drained = dispatcher.drain().then(() => (done = true))
    ask('c')
    expect(codes()).toEqual(['DRAINING'])
    await runner.jobs[0]!.finish(result)
    expect(done).toBe(false)
    await runner.jobs[1]!.finish(result)
    await drained
    expect(codes()).toEqual(['DRAINING', 'reply', 'reply'])
  })

  it('is done at once when there is nothing to do', async () => {
    await start().dispatcher.drain()
  })

  it('turns away what waits when there is no more time', async () => {
    const { dispatcher, codes, ask } = start({ slots: 0 })
    ask('a')
    ask('b')
    const drained = dispatcher.drain()
    dispatcher.turnAway()
    await drained
    expect(codes()).toEqual(['DRAINING', 'DRAINING'])
  })
})

it('a server that was stopped for longer than the wire can say still answers what it had', async () => {
  const { dispatcher, runner, time, ask, codes, sent } = start()
  ask('cam')
  ask('cam')
  time.nowMs += 5_000_000
  dispatcher.tick()
  await runner.jobs[0]!.finish(result)
  expect(codes()).toEqual(['EXPIRED', 'reply'])
  expect(sent.map(({ message: { body } }) => 'serverUs' in body && body.serverUs)).toEqual([
    0xffffffff, 0xffffffff,
  ])
})
