import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Batchable, takeBatch } from './batch.ts'

interface Named extends Batchable {
  readonly name: string
}

const tail = { name: 'tail' }
const full = { name: 'full' }
const waits = (name: string, kind: object | null = tail, expiresMs = 1000): Named => ({
  name,
  kind: kind ?? undefined,
  expiresMs,
})
const take = (waiting: Named[], { frames = 4, frameMs = 10, nowMs = 0 } = {}) =>
  takeBatch(waiting, () => ({ frames, frameMs }), nowMs).map(({ name }) => name)
const names = (waiting: readonly Named[]) => waiting.map(({ name }) => name)

describe('a batch', () => {
  test('is what is of one kind, in the order in which it came', () => {
    const waiting = [waits('a'), waits('b', full), waits('c'), waits('d', null), waits('e')]
    expect(take(waiting)).toEqual(['a', 'c', 'e'])
    expect(names(waiting)).toEqual(['b', 'd'])
  })

  test('is no larger than the kind allows', () => {
    const waiting = ['a', 'b', 'c'].map((name) => waits(name))
    expect(take(waiting, { frames: 2 })).toEqual(['a', 'b'])
    expect(take(waiting, { frames: 2 })).toEqual(['c'])
    expect(take(waiting)).toEqual([])
  })

  test('is one work of no kind', () => {
    const waiting = [waits('a', null), waits('b', null)]
    expect(take(waiting)).toEqual(['a'])
  })

  test('grows as long as nobody in it expires before all are done', () => {
    const waiting = [waits('a', tail, 25), waits('b'), waits('c')]
    expect(take(waiting)).toEqual(['a', 'b'])
    expect(take([waits('a'), waits('hurried', tail, 19)])).toEqual(['a'])
  })

  test('does not grow while somebody else waits who would expire', () => {
    expect(take([waits('a'), waits('other', full, 15), waits('c')])).toEqual(['a'])
    expect(take([waits('a'), waits('other', full, 20), waits('c')])).toEqual(['a', 'c'])
  })

  test('leaves what has expired where it is, and is not held up by it', () => {
    const waiting = [waits('a'), waits('old', tail, 0), waits('c')]
    expect(take(waiting)).toEqual(['a', 'c'])
    expect(names(waiting)).toEqual(['old'])
  })
})

test('every work leaves exactly once, in batches of one kind within their limits', () => {
  const work = fc.record({
    kind: fc.constantFrom(undefined, tail, full),
    expiresMs: fc.integer({ min: -5, max: 60 }),
  })
  const limits = fc.record({
    frames: fc.integer({ min: 1, max: 5 }),
    frameMs: fc.integer({ min: 1, max: 9 }),
  })
  fc.assert(
    fc.property(fc.array(work, { maxLength: 20 }), limits, (works, limit) => {
      const waiting = [...works]
      const left: object[] = []
      while (waiting.length > 0) {
        const first = waiting[0]!
        const batch = takeBatch(waiting, () => limit, 0)
        expect(batch[0]).toBe(first)
        expect(batch.length).toBeLessThanOrEqual(first.kind ? limit.frames : 1)
        expect(batch.every(({ kind }) => kind === first.kind)).toBe(true)
        if (batch.length > 1) {
          const doneMs = batch.length * limit.frameMs
          expect(Math.min(...batch.map(({ expiresMs }) => expiresMs))).toBeGreaterThanOrEqual(doneMs)
        }
        left.push(...batch)
      }
      expect(new Set(left).size).toBe(works.length)
    }),
  )
})
