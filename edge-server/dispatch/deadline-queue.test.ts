import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeadlineQueue } from './deadline-queue.ts'

const due = (deadlineMs: number, name = '') => ({ deadlineMs, name })

describe('a deadline queue', () => {
  it('gives out what was put in, earliest deadline first, equal ones in the order of arrival', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (deadlines) => {
        const queue = new DeadlineQueue<{ deadlineMs: number; order: number }>(1000)
        const items = deadlines.map((deadlineMs, order) => ({ deadlineMs, order }))
        for (const item of items) queue.push(item)
        const sorted = items.toSorted((a, b) => a.deadlineMs - b.deadlineMs || a.order - b.order)
        expect(queue.takeAll()).toEqual(sorted)
        expect(queue.length).toBe(0)
      }),
    )
  })

  it('takes no more than its capacity and keeps what it has', () => {
    const queue = new DeadlineQueue(2)
    expect([queue.push(due(3)), queue.push(due(2)), queue.push(due(1))]).toEqual([true, true, false])
    expect(queue.full).toBe(true)
    expect(queue.pop()).toEqual(due(2))
    expect(queue.push(due(1))).toBe(true)
  })

  it('takes out exactly those whose deadline has come', () => {
    const queue = new DeadlineQueue(10)
    for (const deadlineMs of [30, 10, 20, 40]) queue.push(due(deadlineMs))
    expect(queue.takeExpired(9)).toEqual([])
    expect(queue.takeExpired(20)).toEqual([due(10), due(20)])
    expect(queue.peek()).toEqual(due(30))
  })

  it('has nothing to give when empty', () => {
    const queue = new DeadlineQueue(1)
    expect(queue.pop()).toBeUndefined()
    expect(queue.peek()).toBeUndefined()
  })
})
