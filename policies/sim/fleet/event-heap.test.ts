import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventHeap } from './event-heap.ts'

it('gives things back in the order in which they are due, also when they are postponed', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 })), fc.array(fc.nat(2000)), (keys, later) => {
      const heap = new EventHeap(2)
      const due = keys.map((key, item) => ({ key, item }))
      for (const { key, item } of due) heap.push(key, item)
      for (const key of keys.length > 0 ? later : []) {
        const first = due.find(({ item }) => item === heap.first)!
        expect(heap.firstKey).toBe(Math.min(...due.map((entry) => entry.key)))
        expect(first.key).toBe(heap.firstKey)
        first.key += key
        heap.postpone(first.key)
      }
      const popped: number[] = []
      while (heap.size > 0) {
        const next = heap.pop()
        popped.push(due[next]!.key)
      }
      expect(popped).toEqual(due.map(({ key }) => key).sort((a, b) => a - b))
      expect(heap.firstKey).toBe(Infinity)
    }),
  )
})
