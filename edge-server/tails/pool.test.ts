import type { Worker } from 'node:worker_threads'
import sharp from 'sharp'
import { afterEach, describe, expect, it } from 'vitest'
import type { TailOutcome as Outcome, TailWork as Work } from '../dispatch/work.ts'
import type { WorkerBundle } from './messages.ts'
import { latentDims, slowModel, summingModel, workerBundle } from './models.test.support.ts'
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
    expect(pool.vacancies).toBe(0)
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
    const spawn = () => spawnWorker({ bundles: undefined as unknown as [], intraOpThreads: 1 })
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
    expect(pool.vacancies).toBe(4)
    const runs = [pool.run(latent()), pool.run(latent())]
    expect([pool.vacancies, pool.busy]).toEqual([2, 2])
    await Promise.all(runs)
    expect([pool.vacancies, pool.busy]).toEqual([4, 0])
  })
})
