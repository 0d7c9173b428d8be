import type { PipelinePolicy } from '@isthmus/policies/pipeline'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PipelineAnswer } from './answer.ts'
import { failure, PipelineWorld, type PipelineWorldOptions, type Sketch } from './pipeline-world.test.kit.ts'

/** One frame's eight crops: cut here, classified on both sides, and summed up here. */
const crops: readonly Sketch[] = [
  { id: 'crop', reads: ['input'], rows: 8, size: 64, deviceMs: 5 },
  { id: 'classify', reads: ['crop'], rows: 8, size: 16, deviceMs: 80, edgeMs: 40 },
  { id: 'sum', reads: ['classify'], deviceMs: 1 },
]
/** One row of a classifier with many weights takes nearly as long as eight. */
const heavy = crops.map((stage) => (stage.id === 'classify' ? { ...stage, anyRowsMs: 60 } : stage))

/** Sends a share of the crops away. */
const sharing = (share: number): PipelinePolicy => ({
  place: () => ({
    hosts: ['device', 'edge', 'device'],
    shares: [1, share, 1],
    expectedMs: 1,
    reason: 'told to',
  }),
})
const create = (share: number, options: PipelineWorldOptions = {}) =>
  PipelineWorld.create({
    stages: crops,
    inputSize: 64,
    inputRows: 8,
    policy: sharing(share),
    deadlineMs: 200,
    rateBps: 1e7,
    outputs: ['sum', 'classify'],
    ...options,
  })
const dataOf = ({ outputs }: PipelineAnswer) =>
  Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, data]))
const rowsSent = ({ requests }: PipelineWorld) =>
  requests.map(({ body }) => (body.kind === 'stages' ? body.rows : -1))

describe('a stage whose rows are divided', () => {
  test('runs on both sides at once, and gives what the device alone gives', async () => {
    const world = await create(0.5)
    const answer = await world.run()
    expect(dataOf(answer)).toEqual(world.expected())
    expect(rowsSent(world)).toEqual([4])
    expect(world.ranHere).toEqual(['crop', 'classify', 'sum'])
    expect(world.rowsHere).toEqual([8, 4])
    expect(answer.stages[1]).toEqual({ id: 'classify', host: 'edge', ms: 40, rowsThere: 4 })
    // 5 ms, then 40 ms here beside 20 there and the way, then 1: not the sum of both, nor the 86 of the device alone.
    expect(answer.wallMs).toBeCloseTo(46, 6)
    expect(answer.fallback).toBeUndefined()
    expect(answer.placement.classify).toBe('edge')
  })

  test('sends the bytes of its rows alone', async () => {
    const few = await (await create(0.25)).run()
    const all = await (await create(1)).run()
    expect(all.bytesUp - few.bytesUp).toBeGreaterThan(6 * 8 * 4 - 8)
    expect(all.bytesDown - few.bytesDown).toBeGreaterThan(6 * 2 * 4 - 8)
  })

  test.each([
    [0.01, 1],
    [0.125, 1],
    [0.13, 2],
    [0.8, 7],
  ])('a share of %d is %d rows of 8, rounded up', async (share, rows) => {
    const world = await create(share)
    await world.run()
    expect(rowsSent(world)).toEqual([rows])
    expect(world.rowsHere).toEqual([8, 8 - rows])
  })

  test('is whole there with nearly all, and whole here with nothing', async () => {
    const there = await create(0.95)
    expect((await there.run()).stages[1]).toMatchObject({ host: 'edge', ms: 40 })
    expect(rowsSent(there)).toEqual([0])
    expect(there.ranHere).toEqual(['crop', 'sum'])
    const here = await create(0)
    expect((await here.run()).stages[1]).toEqual({ id: 'classify', host: 'device', ms: 80 })
    expect(here.requests).toEqual([])
  })

  test('is where the user wants it, whole', async () => {
    const world = await create(0.5)
    const answer = await world.run({ placement: { classify: 'edge' } })
    expect(rowsSent(world)).toEqual([0])
    expect(dataOf(answer)).toEqual(world.expected())
  })

  test('costs time only when the server dies: the device runs the rest by the deadline', async () => {
    for (const dies of ['loseRequests', 'loseReplies'] as const) {
      const world = await create(0.5)
      world[dies] = true
      const answer = await world.run()
      expect(dataOf(answer)).toEqual(world.expected())
      expect(answer).toMatchObject({ late: false, fallback: 'NO_REPLY' })
      expect(answer.stages[1]).toEqual({ id: 'classify', host: 'device', ms: 80 })
      expect(world.rowsHere).toEqual([8, 4, 4])
    }
  })

  test('is in time as well where few rows take nearly as long as all', async () => {
    for (const share of [0.25, 0.5, 0.75]) {
      for (const deadlineMs of [95, 110, 130, 150, 160, 200]) {
        const world = await create(share, { stages: heavy, deadlineMs })
        world.loseRequests = true
        for (let run = 0; run < 2; run++) {
          const answer = await world.run()
          expect(dataOf(answer)).toEqual(world.expected())
          expect([share, deadlineMs, answer.late]).toEqual([share, deadlineMs, false])
        }
      }
    }
  })

  test('does not seem slower for being divided', async () => {
    const seen: number[] = []
    const policy: PipelinePolicy = {
      place: (view) => {
        seen.push(view.problem.executionS[2]!)
        return sharing(0.5).place(view)
      },
    }
    const world = await create(0.5, { stages: heavy, policy })
    for (let run = 0; run < 40; run++) await world.run()
    expect(seen.at(-1)).toBeCloseTo(seen[0]!, 6)
  })

  test('runs as a whole when there is no time to wait', async () => {
    const world = await create(0.5, { deadlineMs: 92 })
    const answer = await world.run()
    expect(dataOf(answer)).toEqual(world.expected())
    expect(answer.late).toBe(false)
  })

  test('goes on here at once when the server refuses, and is not divided again for a while', async () => {
    const world = await create(0.5)
    world.refuse = 'BAD_SHAPE'
    const refused = await world.run()
    expect(refused).toMatchObject({ fallback: 'SERVER_ERROR', serverError: { code: 'BAD_SHAPE' } })
    expect(dataOf(refused)).toEqual(world.expected())
    expect(refused.wallMs).toBeLessThan(100)
    world.refuse = undefined
    await world.run()
    expect(rowsSent(world)).toEqual([4, 0])
    await world.clock.advance(31_000)
    await world.run()
    expect(rowsSent(world)).toEqual([4, 0, 4])
  })

  test('takes no rows that do not fit', async () => {
    const world = await create(0.5)
    world.spoil = (body, payload) => [body, payload.subarray(0, -4)]
    const answer = await world.run()
    expect(answer.fallback).toBe('BAD_REPLY')
    expect(dataOf(answer)).toEqual(world.expected())
  })

  test('asks the server for the rest, too, when the device cannot run it', async () => {
    const world = await create(0.75)
    world.failing.set('classify', failure('RUN_FAILED', false))
    const answer = await world.run()
    expect(dataOf(answer)).toEqual(world.expected())
    expect(rowsSent(world)).toEqual([6, 2])
    expect(answer.stages[1]).toEqual({ id: 'classify', host: 'edge', ms: 40 })
    expect(answer.fallback).toBeUndefined()
    world.loseRequests = true
    await expect(world.run()).rejects.toMatchObject({ code: 'LOCAL_FAILED' })
    const again = await create(0.5)
    again.failing.set('classify', failure('WORKER_DIED', true))
    expect(dataOf(await again.run())).toEqual(again.expected())
  })

  test('a policy whose shares are none fails, which costs the better answer alone', async () => {
    for (const shares of [[1], [1, 2, 1], [1, Number.NaN, 1], 'half'] as never[]) {
      const policy: PipelinePolicy = { place: (seen) => ({ ...sharing(0.5).place(seen), shares }) }
      const world = await create(0.5, { policy })
      const answer = await world.run()
      expect(answer.reason).toMatch(/the policy failed: it gave shares that are none/)
      expect(dataOf(answer)).toEqual(world.expected())
    }
  })

  test('gives the same whatever is lost, late or spoilt, and however it is divided', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 0, max: 300 }),
        fc.constantFrom('', 'requests', 'replies', 'BAD_SHAPE', 'EXPIRED'),
        fc.integer({ min: 0, max: 80 }),
        async (share, rttMs, deadlineMs, what, anyRowsMs) => {
          const stages = crops.map((stage) => (stage.id === 'classify' ? { ...stage, anyRowsMs } : stage))
          const world = await create(share, { rttMs, deadlineMs: 50 + deadlineMs, stages })
          if (what === 'requests') world.loseRequests = true
          else if (what === 'replies') world.loseReplies = true
          else if (what !== '') world.refuse = what as 'EXPIRED'
          const answer = await world.run()
          expect(dataOf(answer)).toEqual(world.expected())
          // As with whole stages: late only where the device alone is.
          if (50 + deadlineMs >= 95) expect(answer.late).toBe(false)
        },
      ),
      { numRuns: 150 },
    )
  })
})
