import type { Worker } from 'node:worker_threads'
import sharp from 'sharp'
import { afterEach, describe, expect, it } from 'vitest'
import type { TailOutcome as Outcome, TailWork as Work } from '../dispatch/work.ts'
import type { WorkerBundle } from './messages.ts'
import {
  inputDims,
  latentDims,
  logModel,
  slowModel,
  summingModel,
  workerBundle,
} from './models.test.support.ts'
import { spawnWorker, TailPool, type TailPoolOptions } from './pool.ts'
import { CRASH, HOLD, spawnScripted } from './scripted-worker.test.support.ts'

const pools: TailPool[] = []
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close()
})

async function open(options: Partial<TailPoolOptions> = {}) {
  const workers: Worker[] = []
  const crashes: string[] = []
  const pool = await TailPool.open({
    bundles: [workerBundle()],
    workers: 1,
    intraOpThreads: 1,
    jobTimeoutMs: 30_000,
    clock: () => performance.now(),
    onCrash: (reason) => crashes.push(reason),
    spawn: (setup) => {
      const worker = spawnWorker(setup)
      workers.push(worker)
      return worker
    },
    ...options,
  })
  pools.push(pool)
  return { pool, workers, crashes }
}

const work = (mode: number, payload: Uint8Array, more: Partial<Work> = {}): Work => ({
  bundle: 77,
  mode,
  payload: Uint8Array.from(payload),
  scale: undefined,
  zeroPoint: undefined,
  deadlineMs: performance.now() + 60_000,
  ...more,
})
const latent = (more: Partial<Work> = {}) => work(1, Uint8Array.of(1, 2, 3, 4), more)
const slow = (rounds: number): WorkerBundle => workerBundle({ tail: slowModel('latent', latentDims, rounds) })

const logits = (outcome: Outcome) =>
  outcome.ok ? [...outcome.result].map((x) => Math.round(x * 1e4) / 1e4) : outcome.code

/** Resolves when a pool has its workers again. */
const recovered = (pool: TailPool) =>
  new Promise<void>((resolve) => {
    pool.onVacancy(() => {
      if (pool.ready > 0) resolve()
    })
  })

describe('a worker computes what a payload says', () => {
  it('of a static quantiser', async () => {
    const { pool } = await open()
    const outcome = await pool.run(latent())
    expect(outcome).toMatchObject({ ok: true, dims: [1, 2] })
    expect(logits(outcome)).toEqual([10, 20])
  })

  it('of a dynamic quantiser, by the range that came with it', async () => {
    const { pool } = await open()
    const codes = Uint8Array.of(0x21, 0x43)
    expect(logits(await pool.run(work(2, codes, { scale: 0.5, zeroPoint: 1 })))).toEqual([3, 6])
  })

  it('of halves', async () => {
    const { pool } = await open()
    const halves = new Uint8Array(Uint16Array.of(0x3c00, 0x3c00, 0x4000, 0).buffer)
    expect(logits(await pool.run(work(6, halves)))).toEqual([4, 8])
  })

  it('of an entropy quantiser', async () => {
    const { pool } = await open()
    expect(logits(await pool.run(work(7, Uint8Array.of(0, 0x21, 0x43))))).toEqual([10, 20])
  })

  it('of a raw image, [H,W,C] bytes turned into the layout of the model', async () => {
    const { pool } = await open()
    const pixels = Uint8Array.from({ length: 12 }, (_, index) => 10 * index)
    const sum = pixels.reduce((total, value) => total + value, 0) / 255
    expect(logits(await pool.run(work(3, pixels)))[0]).toBeCloseTo(sum, 3)
  })

  it('of a coded image, fitted into the input', async () => {
    const { pool } = await open()
    const image = sharp({ create: { width: 9, height: 5, channels: 3, background: { r: 255, g: 0, b: 51 } } })
    expect(logits(await pool.run(work(4, await image.png().toBuffer())))[0]).toBeCloseTo(4 * 1.2, 3)
  })

  it('once for each, while the next waits at the worker, and in order', async () => {
    const { pool } = await open()
    const outcomes: number[] = []
    const runs = [1, 2, 3, 4, 5].map(async (value) => {
      const outcome = await pool.run(work(1, Uint8Array.of(value, 0, 0, 0)))
      outcomes.push(outcome.ok ? outcome.result[0]! : -1)
    })
    expect(pool.busy).toBe(1)
    await Promise.all(runs)
    expect(outcomes).toEqual([1, 2, 3, 4, 5])
    expect(pool.busy).toBe(0)
  })

  it('without keeping this thread waiting', async () => {
    const { pool } = await open({ bundles: [slow(60)] })
    let turns = 0
    let running = true
    const turn = () => {
      turns++
      if (running) setImmediate(turn)
    }
    turn()
    await pool.run(latent())
    running = false
    expect(turns).toBeGreaterThan(10)
  })
})

describe('a worker computes together', () => {
  const batched = workerBundle({
    tail: summingModel('latent', latentDims, 'N'),
    full: summingModel('image', inputDims, 'N'),
  })
  const batches = (outcomes: readonly Outcome[]) =>
    outcomes.map((outcome) => (outcome.ok ? outcome.batch : outcome.code))

  it('what waits for the same tail, by whatever mode it came, and answers each with its own', async () => {
    const { pool } = await open({ bundles: [batched], maxBatch: 4 })
    const values = [1, 2, 3, 4, 5, 6, 7, 8]
    const work1 = (value: number) => work(1, Uint8Array.of(value, 0, 0, 0))
    const work2 = (value: number) =>
      work(2, Uint8Array.of(0x11, 0x11 + value - 1), { scale: 0.5, zeroPoint: 1 })
    let most = 0
    // Where other programs keep the machine busy, frames are slow at first, and then none is kept waiting for others.
    while (most < 2) {
      const works = values.map((value) => (value % 2 === 0 ? work1(value) : work2(value)))
      const outcomes = await Promise.all(works.map((each) => pool.run(each)))
      expect(outcomes.map((outcome) => (logits(outcome) as number[])[0])).toEqual(
        values.map((value) => (value % 2 === 0 ? value : (value - 1) / 2)),
      )
      most = Math.max(...(batches(outcomes) as number[]))
    }
    expect(most).toBeLessThanOrEqual(4)
  })

  it('no two tails, and nothing with a tail of its own', async () => {
    const { pool } = await open({ bundles: [batched, workerBundle({ key: 78 })], maxBatch: 4 })
    const works = [1, 2, 3, 4].flatMap(() => [latent({ bundle: 78 }), work(3, new Uint8Array(12))])
    const outcomes = await Promise.all(works.map((each) => pool.run(each)))
    expect(batches(outcomes.filter((_, at) => at % 2 === 0))).toEqual([1, 1, 1, 1])
    expect(batches(outcomes.filter((_, at) => at % 2 === 1))).not.toContain('TAIL_FAILED')
  })

  it('frames of which one is bad: the others are answered', async () => {
    const { pool } = await open({ bundles: [batched], maxBatch: 4 })
    const bad = () => work(7, Uint8Array.of(1, 2, 3))
    const works = [latent(), latent(), bad(), latent(), latent(), bad(), latent()]
    const outcomes = await Promise.all(works.map((each) => pool.run(each)))
    expect(outcomes.map(logits)).toEqual(works.map(({ mode }) => (mode === 7 ? 'BAD_PAYLOAD' : [10, 20])))
  })

  it('frames of which one comes to no number: the others are answered', async () => {
    const { pool } = await open({
      bundles: [workerBundle({ tail: logModel('latent', latentDims, 'N') })],
      maxBatch: 4,
    })
    const zeros = () => work(1, new Uint8Array(4))
    const works = [latent(), zeros(), latent(), zeros(), latent(), latent()]
    const outcomes = await Promise.all(works.map((each) => pool.run(each)))
    expect(outcomes.map((outcome) => outcome.ok || outcome.code)).toEqual([
      true,
      'TAIL_FAILED',
      true,
      'TAIL_FAILED',
      true,
      true,
    ])
  })

  it('and has as many at hand as it computes next, if all are of one kind', async () => {
    const { pool } = await open({ bundles: [batched], maxBatch: 3, spawn: spawnScripted })
    const held = () => work(1, Uint8Array.of(HOLD, 0, 0, 0))
    for (let at = 0; at < 6; at++) {
      expect(pool.accepts(held())).toBe(true)
      void pool.run(held())
      // One batch of the kind may be under way: then another kind is the next to have at hand.
      expect(pool.accepts(work(3, new Uint8Array(12)))).toBe(at < 3)
    }
    expect(pool.accepts(held())).toBe(false)
  })

  it('and waits with one kind when another is at hand', async () => {
    const { pool } = await open({ bundles: [batched], maxBatch: 3, spawn: spawnScripted })
    const held = (mode: number) => work(mode, Uint8Array.of(HOLD, 0, 0, 0))
    for (const mode of [1, 1, 3]) void pool.run(held(mode))
    expect([pool.accepts(held(1)), pool.accepts(held(3))]).toEqual([false, false])
  })
})

describe('a worker refuses', () => {
  const png = (width: number, height: number) => {
    const red = { create: { width, height, channels: 3, background: 'red' } } as const
    return sharp(red).png().toBuffer()
  }
  const jpeg = async () =>
    sharp(await png(4, 4))
      .jpeg()
      .toBuffer()
  const notANumber = new Uint8Array(Uint16Array.of(0x7e00, 0, 0, 0).buffer)
  const zeroPoint = 99

  it.each([
    ['halves that are NaN', 'NOT_FINITE', () => work(6, notANumber)],
    ['a range outside the codes', 'BAD_PAYLOAD', () => work(2, new Uint8Array(2), { scale: 1, zeroPoint })],
    ['codes that no table gives', 'BAD_PAYLOAD', () => work(7, Uint8Array.of(1, 2, 3))],
    ['a payload that says nothing of how it is coded', 'BAD_PAYLOAD', () => work(7, Uint8Array.of(9, 2, 3))],
    ['bytes that are no image', 'BAD_PAYLOAD', () => work(4, new Uint8Array(50).fill(7))],
    ['a truncated image', 'BAD_PAYLOAD', async () => work(4, (await png(50, 50)).subarray(0, 60))],
    ['an image of another kind', 'BAD_PAYLOAD', async () => work(4, await jpeg())],
    ['an image of too many pixels', 'BAD_PAYLOAD', async () => work(4, await png(1100, 1000))],
    ['a bundle that it does not have', 'UNKNOWN_BUNDLE', () => latent({ bundle: 78 })],
    ['a mode that is computed on the device', 'ROUTE_NOT_OFFERED', () => work(5, new Uint8Array(4))],
    ['what has expired', 'EXPIRED', () => latent({ deadlineMs: performance.now() - 1 })],
  ])('%s', async (_what, code, make) => {
    const { pool } = await open()
    expect(await pool.run(await make())).toMatchObject({ ok: false, code })
    expect(logits(await pool.run(latent()))).toEqual([10, 20])
  })
})

describe('workers that fail', () => {
  const held = (deadlineMs = performance.now() + 60_000) =>
    work(1, Uint8Array.of(HOLD, 0, 0, 0), { deadlineMs })
  const crash = () => work(1, Uint8Array.of(CRASH, 0, 0, 0))
  const scripted = { spawn: spawnScripted }

  it('are replaced, and what they held is answered', async () => {
    const { pool, crashes } = await open(scripted)
    const back = recovered(pool)
    const outcomes = await Promise.all([pool.run(held()), pool.run(crash())])
    expect(outcomes.map(logits)).toEqual(['TAIL_FAILED', 'TAIL_FAILED'])
    expect(crashes).toEqual(['A worker thread ended: told to crash'])
    expect(pool.accepts(latent())).toBe(false)
    expect(await pool.run(latent())).toMatchObject({ ok: false, code: 'TAIL_FAILED' })
    await back
    expect(logits(await pool.run(latent()))).toEqual([1, 0])
  })

  it('again and again are started again ever later, and in the end serve', async () => {
    const { pool, crashes } = await open(scripted)
    for (let n = 1; n <= 4; n++) {
      const back = recovered(pool)
      await pool.run(crash())
      await back
      expect(crashes).toHaveLength(n)
    }
    expect(logits(await pool.run(latent()))).toEqual([1, 0])
  })

  it('leave the others at work', async () => {
    const { pool } = await open({ ...scripted, workers: 2 })
    await pool.run(crash())
    expect(pool.ready).toBe(1)
    expect(logits(await pool.run(latent()))).toEqual([1, 0])
  })

  it('to answer in time are replaced, and may not answer late', async () => {
    const { pool, crashes } = await open({ ...scripted, jobTimeoutMs: 20 })
    const back = recovered(pool)
    expect(logits(await pool.run(held()))).toBe('TAIL_FAILED')
    expect(crashes[0]).toMatch(/longer than 20 ms/)
    await back
    expect(pool.ready).toBe(1)
  })

  it('to go on while the process stands still are not replaced, and those that hang after that are', async () => {
    let nowMs = 0
    const { pool, crashes } = await open({ ...scripted, jobTimeoutMs: 40, clock: () => nowMs })
    const looksPass = () => new Promise((resolve) => setTimeout(resolve, 100))
    const outcome = pool.run(held())
    await looksPass()
    nowMs += 3_600_000
    await looksPass()
    expect(crashes).toEqual([])
    while (crashes.length === 0) {
      nowMs += 10
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(logits(await outcome)).toBe('TAIL_FAILED')
  })

  it('with their models loaded are replaced by others with their models loaded', async () => {
    const { pool, workers } = await open()
    const back = recovered(pool)
    void workers[0]!.terminate()
    await back
    expect(logits(await pool.run(latent()))).toEqual([10, 20])
  })

  it('to load a bundle name it, and serve the others', async () => {
    const broken = workerBundle({ key: 78, id: 'broken@1.0.0', tail: Uint8Array.of(1, 2, 3) })
    const misfit = workerBundle({ key: 79, id: 'misfit@1.0.0', tail: summingModel('latent', [9]) })
    const { pool } = await open({ bundles: [broken, workerBundle(), misfit] })
    expect(pool.failures.map(({ id }) => id).toSorted()).toEqual(['broken@1.0.0', 'misfit@1.0.0'])
    expect(logits(await pool.run(latent()))).toEqual([10, 20])
  })

  it('to start at all are told of', async () => {
    const spawn = () => spawnWorker({ bundles: undefined as unknown as [], intraOpThreads: 1, maxBatch: 1 })
    await expect(open({ spawn })).rejects.toMatchObject({ code: 'NO_WORKER' })
  })
})

describe('a pool', () => {
  it('finishes what its workers have in hand when it is closed', async () => {
    const { pool } = await open({ bundles: [slow(30)] })
    const runs = [pool.run(latent()), pool.run(latent())]
    await pool.close()
    expect((await Promise.all(runs)).map(logits)).toEqual([
      [10, 20],
      [10, 20],
    ])
  })

  it('is closed once, however often that is asked for: who has left does not leave again', async () => {
    const { pool } = await open()
    const closing = pool.close()
    expect(pool.close()).toBe(closing)
    await closing
  })

  it('gives each worker one work to compute and one to have at hand', async () => {
    const { pool } = await open({ workers: 2 })
    const runs = [1, 2, 3].map(() => pool.run(latent()))
    expect([pool.accepts(latent()), pool.busy]).toEqual([true, 2])
    runs.push(pool.run(latent()))
    expect([pool.accepts(latent()), pool.busy]).toEqual([false, 2])
    await Promise.all(runs)
    expect([pool.accepts(latent()), pool.busy]).toEqual([true, 0])
  })
})
