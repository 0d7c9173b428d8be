import { seededRandom } from '@isthmus/models/data'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CollapseGuard, UplinkBudget, UploadQueue } from './index.ts'

const HOUR = 3_600_000

describe('the uplink budget', () => {
  it('is exceeded in no hour, wherever it begins, and is used', () => {
    const random = seededRandom(3)
    const budget = new UplinkBudget(1_000_000, 0)
    const sent: [number, number][] = []
    for (
      let nowMs = 0;
      nowMs < 4 * HOUR;
      nowMs += 2000 * random.uniform() * (nowMs % HOUR < HOUR / 2 ? 1 : 50)
    ) {
      const bytes = 1 + Math.floor(5000 * random.uniform())
      if (budget.take(bytes, nowMs)) sent.push([nowMs, bytes])
    }
    let first = 0
    let within = 0
    let most = 0
    for (const [atMs, bytes] of sent) {
      within += bytes
      while (sent[first]![0] <= atMs - HOUR) within -= sent[first++]![1]
      most = Math.max(most, within)
    }
    expect(most).toBeLessThanOrEqual(1_000_000)
    expect(most).toBeGreaterThan(700_000)
  })

  it('gives a device that starts again and again no more', () => {
    let sent = 0
    for (let boot = 0; boot < 60; boot++) {
      const budget = new UplinkBudget(600_000, boot * 60_000)
      for (let nowMs = boot * 60_000; nowMs < (boot + 1) * 60_000; nowMs += 100)
        if (budget.take(500, nowMs)) sent += 500
    }
    expect(sent).toBeLessThanOrEqual(600_000)
    expect(sent).toBeGreaterThan(300_000)
  })

  it('lets nothing through when it is 0, and refuses what is no number', () => {
    expect(new UplinkBudget(0, 0).take(1, 1e9)).toBe(false)
    const bad = expect.objectContaining({ code: 'BAD_OPTION' })
    for (const bytes of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => new UplinkBudget(bytes, 0)).toThrow(bad)
  })
})

describe('the upload queue', () => {
  it('holds no more than it may and gives up the oldest among equals', () => {
    const queue = new UploadQueue<string>({ entries: 3, bytes: 100 })
    expect(['a', 'b', 'c'].flatMap((item) => queue.add(item, 10, 0))).toEqual([])
    expect([queue.fits(0), queue.fits(10)]).toEqual([false, false])
    expect(queue.add('d', 10, 0)).toEqual(['a'])
    expect(queue.add('e', 95, 0)).toEqual(['b', 'c', 'd'])
    expect(queue.add('f', 101, 9)).toEqual(['f'])
    expect([queue.length, queue.bytes, queue.peek()?.item]).toEqual([1, 95, 'e'])
    expect([queue.fits(5), queue.fits(6)]).toEqual([true, false])
    expect([queue.shift(), queue.shift(), queue.peek()]).toEqual(['e', undefined, undefined])
  })

  it('keeps its bounds and loses nothing unseen, whatever comes', () => {
    const entry = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 3 }), fc.boolean())
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), (entries) => {
        const queue = new UploadQueue<number>({ entries: 5, bytes: 100 })
        let gone = 0
        for (const [at, [bytes, worth, take]] of entries.entries()) {
          gone += queue.add(at, bytes, worth).length
          if (take && queue.shift() !== undefined) gone++
          expect(queue.length).toBeLessThanOrEqual(5)
          expect(queue.bytes).toBeLessThanOrEqual(100)
        }
        expect(gone + queue.clear()).toBe(entries.length)
      }),
    )
  })
})

describe('the guard', () => {
  const guard = () => new CollapseGuard({ classes: 4, window: 20 })
  const feed = (watch: CollapseGuard, count: number, entropy: number, label: (at: number) => number) =>
    Array.from({ length: count }, (_, at) => watch.add(entropy, label(at))).filter(Boolean)

  it('lets a patch pass after which answers look as before', () => {
    const watch = guard()
    feed(watch, 50, 0.6, (at) => at % 4)
    watch.adopted()
    expect(feed(watch, 19, 0.3, (at) => at % 4)).toEqual([])
    expect(watch.onTrial).toBe(true)
    expect(watch.add(0.3, 0)).toBe('passed')
    expect(watch.onTrial).toBe(false)
  })

  it('sees that entropy collapses', () => {
    const watch = guard()
    feed(watch, 50, 0.6, (at) => at % 4)
    watch.adopted()
    expect(feed(watch, 20, 0.01, (at) => at % 4)).toEqual(['entropy-collapse'])
  })

  it('sees that one label takes all', () => {
    const watch = guard()
    feed(watch, 50, 0.6, (at) => at % 4)
    watch.adopted()
    expect(feed(watch, 20, 0.5, () => 2)).toEqual(['label-collapse'])
    watch.rolledBack()
    // What was before the adoption counts again: the next patch is held against it.
    watch.adopted()
    expect(feed(watch, 20, 0.5, () => 1)).toEqual(['label-collapse'])
  })

  it('does not blame a patch for a camera that has seen one thing all along', () => {
    const watch = guard()
    feed(watch, 50, 0.6, () => 2)
    watch.adopted()
    expect(feed(watch, 20, 0.5, () => 2)).toEqual(['passed'])
  })

  it('judges also where patches follow each other faster than a trial lasts', () => {
    const watch = guard()
    feed(watch, 50, 0.6, (at) => at % 4)
    const said: unknown[] = []
    for (let patch = 0; patch < 10; patch++) {
      watch.adopted()
      said.push(...feed(watch, 5, 0.5, () => 2))
    }
    expect(said[0]).toBe('label-collapse')
  })

  it('has little to go by before the first answers, and then sees the plainest collapse alone', () => {
    const watch = guard()
    watch.adopted()
    expect(feed(watch, 20, 0, (at) => at % 4)).toEqual(['passed'])
    const other = guard()
    other.adopted()
    expect(feed(other, 20, 0.5, () => 2)).toEqual(['label-collapse'])
  })
})
