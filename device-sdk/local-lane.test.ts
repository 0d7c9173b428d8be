import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LocalLane } from './local-lane.ts'
import { VirtualClock } from './world.test.kit.ts'

interface Job {
  name: string
  startedMs?: number
  endedMs?: number
  runLocal(): Promise<void>
}

function lane(localMs: number) {
  const clock = new VirtualClock()
  const startMs = clock.now()
  const local = new LocalLane<Job>(clock, () => localMs)
  const job = (name: string): Job => ({
    name,
    runLocal() {
      this.startedMs = clock.now() - startMs
      return new Promise((resolve) => {
        clock.setTimeout(() => {
          this.endedMs = clock.now() - startMs
          resolve()
        }, localMs)
      })
    },
  })
  return { clock, local, job, at: (ms: number) => startMs + ms }
}

test('a hedge starts at the last moment, and not at all when it is removed before', async () => {
  const { clock, local, job, at } = lane(10)
  const [kept, dropped] = [job('kept'), job('dropped')]
  local.hedge(kept, at(100))
  local.hedge(dropped, at(200))
  await clock.advance(150)
  local.remove(dropped)
  await clock.advance(500)
  expect(kept.startedMs).toBe(90)
  expect(dropped.startedMs).toBeUndefined()
})

test('hedges with one deadline start one after the other, early enough for the last', async () => {
  const { clock, local, job, at } = lane(10)
  const jobs = ['a', 'b', 'c'].map(job)
  for (const one of jobs) local.hedge(one, at(100))
  await clock.advance(200)
  expect(jobs.map(({ startedMs }) => startedMs)).toEqual([70, 80, 90])
})

test('work with time to spare does not start right before a hedge must', async () => {
  const { clock, local, job, at } = lane(10)
  const [hedge, later] = [job('hedge'), job('later')]
  local.hedge(hedge, at(100))
  await clock.advance(85)
  local.now(later, at(300))
  await clock.advance(200)
  expect(hedge.endedMs).toBeLessThanOrEqual(100)
  expect(later.startedMs).toBe(hedge.endedMs)
})

test('a run that fails does not hold up the next', async () => {
  const { clock, local, job, at } = lane(10)
  const failing = { name: 'failing', runLocal: () => Promise.reject(new Error('no')) }
  const next = job('next')
  local.now(failing, at(50))
  local.now(next, at(60))
  await clock.advance(100)
  expect(next.endedMs).toBe(10)
})

test('whenever all hedges known together can be in time, they are', async () => {
  const slots = fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(slots, async (extras) => {
      const { clock, local, job, at } = lane(10)
      // The i-th earliest deadline leaves room for i + 1 runs: feasible by construction.
      const deadlines = extras.sort((a, b) => a - b).map((extra, i) => extra + 10 * (i + 1))
      const jobs = deadlines.map((deadlineMs) => ({ deadlineMs, job: job('x') }))
      for (const { deadlineMs, job: one } of [...jobs].reverse()) local.hedge(one, at(deadlineMs))
      await clock.advance(2000)
      for (const { deadlineMs, job: one } of jobs) expect(one.endedMs).toBeLessThanOrEqual(deadlineMs)
    }),
    { numRuns: 50 },
  )
})
