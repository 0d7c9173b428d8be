import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import sharp from 'sharp'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { LearnerThread, spawnLearner } from './learner-thread.ts'
import type { LearnerSetup } from './messages.ts'
import type { IntakeState } from './sample-intake.ts'
import { lenient, someImages, tinyFoundation, tinyStudent } from './tiny-networks.test.support.ts'

const folder = mkdtempSync(join(tmpdir(), 'isthmus-thread-'))
afterAll(() => rmSync(folder, { recursive: true }))

const setupOf = (name: string): LearnerSetup => ({
  id: 'tiny@1.0.0',
  student: tinyStudent(),
  foundation: tinyFoundation(),
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  statePath: join(folder, name),
  lineage: 'a b',
  keepsPixels: true,
  settings: { batch: 4, replayPerNew: 1, replayFrom: 4, replayLimit: 16 },
  ...lenient,
})
const images = someImages(16, 3)
const learn = (from: number, to: number) => ({
  kind: 'learn' as const,
  uploads: images.slice(from, to).map((pixels) => ({ device: 'cam', pixels })),
  nowMs: 0,
})
const intake: IntakeState = {
  ledger: [{ device: 'cam', numbers: [{ boot: 1, ids: [1, 2, 3] }] }],
  waiting: { devices: [] },
}

const threads: LearnerThread[] = []
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.close()
})

async function open(name: string) {
  const workers: Worker[] = []
  const troubles: string[] = []
  const found: string[] = []
  let again = () => {}
  const thread = await LearnerThread.open({
    setup: setupOf(name),
    taskTimeoutMs: 60_000,
    onTrouble: (what) => troubles.push(what),
    onReady: (state) => {
      found.push(state)
      again()
    },
    spawn: (setup) => {
      const worker = spawnLearner(setup)
      workers.push(worker)
      return worker
    },
  })
  threads.push(thread)
  const ready = () =>
    new Promise<void>((resolve) => {
      again = resolve
    })
  return { thread, workers, troubles, found, ready }
}

/** Ends a thread between two runs, from within: what a fault of its own would do. */
const kill = (worker: Worker) => worker.terminate()

describe('the thread that learns', () => {
  it('decodes the pictures that came coded', async () => {
    const { thread } = await open('coded')
    const raw = { width: 32, height: 32, channels: 3 } as const
    const bytes = await Promise.all(
      images.slice(0, 4).map((pixels) => sharp(pixels, { raw }).jpeg({ quality: 90 }).toBuffer()),
    )
    const uploads = bytes.map((one) => ({ device: 'cam', pixels: { codec: 'jpeg' as const, bytes: one } }))
    expect(await thread.run({ kind: 'learn', uploads, nowMs: 0 })).toMatchObject({ steps: 1, stored: 4 })
  })

  it('is replaced when it dies, and goes on from the last state that was written', async () => {
    const { thread, workers, troubles, found, ready } = await open('died')
    expect(found).toEqual(['none'])
    expect(await thread.run(learn(0, 8))).toMatchObject({ steps: 2, stored: 8 })
    expect(await thread.run({ kind: 'save', intake })).toMatchObject({ bytes: expect.any(Number) })
    const saved = await thread.run({ kind: 'candidate' })
    await thread.run(learn(8, 12))
    const restarted = ready()
    await kill(workers[0]!)
    await restarted
    expect([troubles, found]).toEqual([['died'], ['none', 'resumed']])
    expect((await thread.run({ kind: 'candidate' }))?.parameters).toEqual(saved?.parameters)
    expect(await thread.run(learn(8, 12))).toMatchObject({ steps: 1, stored: 12 })
  })

  it('tells the next process what had come in', async () => {
    const first = await open('next')
    await first.thread.run(learn(0, 4))
    await first.thread.run({ kind: 'save', intake })
    await first.thread.close()
    const second = await open('next')
    expect(second.found).toEqual(['resumed'])
    expect(second.thread.intake).toEqual(intake)
  })

  it('says that a task failed, and can take another', async () => {
    const { thread, troubles } = await open('failed')
    const wrong = {
      kind: 'learn' as const,
      uploads: [{ device: 'cam', pixels: new Uint8Array(5) }],
      nowMs: 0,
    }
    expect(await thread.run(wrong)).toBeUndefined()
    expect(troubles).toEqual(['failed'])
    expect(thread.idle).toBe(true)
    expect(await thread.run(learn(0, 4))).toMatchObject({ steps: 1 })
  })

  it('does not start when its networks cannot be loaded', async () => {
    const setup = { ...setupOf('broken'), foundation: new Uint8Array(3) }
    const opening = LearnerThread.open({ setup, taskTimeoutMs: 1000, onTrouble: () => {} })
    await expect(opening).rejects.toMatchObject({ code: 'NO_WORKER' })
  })
  it('is replaced as often as it takes, also before the first task', async () => {
    vi.useFakeTimers()
    try {
      const workers: EventEmitter[] = []
      const spawn = () => {
        const worker = Object.assign(new EventEmitter(), { postMessage: () => {}, unref: () => {} })
        workers.push(worker)
        return worker as unknown as Worker
      }
      const troubles: string[] = []
      const opening = LearnerThread.open({
        setup: setupOf('fake'),
        taskTimeoutMs: 1000,
        onTrouble: (what) => troubles.push(what),
        spawn,
      })
      const ready = { kind: 'ready', found: 'none', detail: '', intake: undefined }
      workers[0]!.emit('message', ready)
      const thread = await opening
      workers[0]!.emit('exit', 1)
      await vi.advanceTimersByTimeAsync(100)
      workers[1]!.emit('exit', 1)
      await vi.advanceTimersByTimeAsync(200)
      workers[2]!.emit('message', ready)
      expect(thread.idle).toBe(true)
      expect(troubles).toEqual(['died', 'died'])
    } finally {
      vi.useRealTimers()
    }
  })
})
