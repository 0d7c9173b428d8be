import { type Pipeline, parsePipeline } from '@isthmus/models/pipeline'
import {
  decodeMessage,
  encodeMessage,
  type Message,
  topic,
  wireErrorCodeOf,
  wireErrors,
} from '@isthmus/proto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Catalog } from './catalog.ts'
import { Dispatcher, type DispatcherOptions } from './dispatcher.ts'
import { StageCatalog } from './stage-catalog.ts'
import type { Outcome, Work } from './work.ts'

const { manifest, wiring } = parsePipeline({
  name: 'pair',
  version: '1.0.0',
  inputs: { x: { dims: [2] } },
  stages: [
    { id: 'a', model: 'm.onnx', inputs: { x: 'input.x' }, outputs: { y: { dims: [2] } }, macs: 1 },
    { id: 'b', model: 'm.onnx', inputs: { x: 'a.y' }, outputs: { y: { dims: [1] } }, macs: 1 },
  ],
  outputs: { y: 'b.y' },
  files: { 'm.onnx': { sha256: '0'.repeat(64), bytes: 1 } },
})
const model = Uint8Array.of(1)
const pipeline: Pipeline = { manifest, wiring, key: 99, id: 'pair@1.0.0', models: [model, model] }

function start(options: Partial<DispatcherOptions> = {}, slots = 1) {
  const time = { nowMs: 1000 }
  const sent: Message[] = []
  const counted: string[] = []
  const jobs: { work: Work; finish: (outcome: Outcome) => Promise<void> }[] = []
  const dispatcher = new Dispatcher({
    site: 'yard',
    epoch: 7,
    catalog: new Catalog([]),
    pipelines: new StageCatalog([pipeline]),
    runner: {
      accepts: () => jobs.length < slots,
      onVacancy: () => {},
      run: (work) =>
        new Promise((resolve) => {
          const finish = async (outcome: Outcome) => {
            jobs.shift()
            resolve(outcome)
            await new Promise((done) => setImmediate(done))
          }
          jobs.push({ work, finish })
        }),
    },
    send: (_, packet) => sent.push(decodeMessage(packet)),
    observer: {
      answered: (route, { serverMs, queueMs }) => counted.push(`answered ${route} ${serverMs} ${queueMs}`),
      ran: (key, stages, stageMs) => counted.push(`ran ${key} ${stages} ${stageMs}`),
      refused: (_device, code) => counted.push(`refused ${code}`),
      garbage: (_device, code) => counted.push(`garbage ${code}`),
      strangeBundle: (_device, bundle) => counted.push(`strange ${bundle}`),
    },
    clock: () => time.nowMs,
    queue: 4,
    credits: 2,
    maxWaitMs: 10_000,
    maxMessageBytes: 131_072,
    maxDevices: 100,
    ...options,
  })
  let id = 0
  const ask = (budgetUs = 0) => {
    const envelope = { id: ++id, boot: 1, sequence: id, sentUs: 55, budgetUs }
    const body = { kind: 'stages', pipeline: 99, stages: 3, inputs: [0], outputs: [2] } as const
    dispatcher.receive(topic('yard', 'cam', 'infer'), encodeMessage({ envelope, body }, new Uint8Array(8)))
  }
  const codes = () => sent.map(({ body }) => (body.kind === 'error' ? wireErrorCodeOf(body.code) : body.kind))
  return { dispatcher, time, sent, counted, jobs, ask, codes }
}

const done = (stageMs: number[]): Outcome => ({ ok: true, payload: new Uint8Array(4), stageMs, decodeMs: 1 })

it('the reply tells what each stage took, and the parts add up to the time in the server', async () => {
  const { time, jobs, ask, sent, counted } = start()
  ask()
  expect(jobs[0]!.work).toMatchObject({ pipeline: 99, stages: [0, 1], inputs: [0], outputs: [2] })
  time.nowMs += 20
  await jobs[0]!.finish(done([4, 5]))
  expect(sent[0]!.body).toMatchObject({
    kind: 'stagesReply',
    pipeline: 99,
    stageUs: [4000, 5000],
    echoUs: 55,
    serverUs: 20_000,
    queueUs: 10_000,
    epoch: 7,
  })
  expect(counted).toEqual(['answered stages 20 10', 'ran 99 0,1 4,5'])
})

it('credits, deadlines and draining hold for stages as for tails', async () => {
  const { dispatcher, time, jobs, ask, codes } = start()
  ask()
  ask(5000)
  ask()
  expect(codes()).toEqual(['OVER_CREDIT'])
  time.nowMs += 6
  dispatcher.tick()
  expect(codes()).toEqual(['OVER_CREDIT', 'EXPIRED'])
  const drained = dispatcher.drain()
  ask()
  expect(codes().at(-1)).toBe('DRAINING')
  await jobs[0]!.finish({ ok: false, code: 'STAGE_FAILED', detail: 'because' })
  await drained
  expect(codes().at(-1)).toBe('STAGE_FAILED')
})

it('what a new request would wait follows what works take and how many are ahead', async () => {
  const { dispatcher, jobs, ask } = start({ credits: 10 })
  expect(dispatcher.waitMs(1)).toBe(0)
  for (let run = 0; run < 60; run++) {
    ask()
    await jobs[0]!.finish(done([15, 24]))
  }
  for (let run = 0; run < 3; run++) ask()
  expect(dispatcher.waitMs(1)).toBeCloseTo(120, 0)
  expect(dispatcher.waitMs(2)).toBeCloseTo(40, 0)
  expect(dispatcher.waitMs(4)).toBe(0)
})

describe('any request', () => {
  const numbers = fc.array(fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom(255, 0xffffffff)), {
    maxLength: 5,
  })
  const catalog = new StageCatalog([pipeline])

  it('is refused by a code, or brings just what its stages read and wants what they make', () => {
    let accepted = 0
    fc.assert(
      fc.property(
        fc.oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 0xffffffff })),
        fc.oneof(fc.constantFrom([0], [1]), numbers),
        fc.oneof(fc.constantFrom([1], [2], [2, 1]), numbers),
        fc.constantFrom(0, 4, 8, 100_000),
        (stages, inputs, outputs, payloadBytes) => {
          const request = { kind: 'stages', pipeline: 99, stages, inputs, outputs, rows: 0 } as const
          const verdict = catalog.find(request, payloadBytes)
          if ('code' in verdict) {
            expect(wireErrors[verdict.code]).toBeDefined()
            return
          }
          accepted++
          expect(stages).toBeLessThanOrEqual(3)
          expect(payloadBytes).toBe(8)
          expect(inputs).toEqual(verdict.stages.includes(0) ? [0] : [1])
          for (const output of outputs) expect(verdict.stages).toContain(output - 1)
          expect(new Set(outputs).size).toBe(outputs.length)
          expect(outputs.length).toBeGreaterThan(0)
        },
      ),
      { numRuns: 2000, seed: 5 },
    )
    expect(accepted).toBeGreaterThan(10)
  })
})
