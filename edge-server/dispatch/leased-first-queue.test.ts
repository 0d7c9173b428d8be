import { describe, expect, test } from 'vitest'
import { LeasedFirstQueue } from './leased-first-queue.ts'

const item = (name: string, leased: boolean, deadlineMs = 100) => ({ name, leased, deadlineMs })
type Item = ReturnType<typeof item>
const drain = (queue: LeasedFirstQueue<Item>) => {
  const names: string[] = []
  for (let next = queue.peek(); next; next = queue.peek()) {
    expect(queue.pop()).toBe(next)
    names.push(next.name)
  }
  return names
}

describe('a queue where leases count', () => {
  test('lets what is leased go first, the earliest deadline of each before the others', () => {
    const queue = new LeasedFirstQueue<Item>(10)
    queue.push(item('plain', false, 1))
    queue.push(item('late', true, 300))
    queue.push(item('soon', true, 200))
    expect(drain(queue)).toEqual(['soon', 'late', 'plain'])
  })

  test('lets one of five be without a lease, so that none waits for ever', () => {
    const queue = new LeasedFirstQueue<Item>(40)
    for (let at = 0; at < 10; at++) {
      queue.push(item('L', true))
      queue.push(item('p', false))
    }
    expect(drain(queue).join('')).toBe('LLLLpLLLLpLLpppppppp')
  })

  test('keeps the places that leases were promised free of others', () => {
    const queue = new LeasedFirstQueue<Item>(4)
    queue.push(item('p', false))
    queue.push(item('p', false))
    expect(queue.isFull(false, 2)).toBe(true)
    expect(queue.isFull(true, 2)).toBe(false)
    queue.push(item('L', true))
    expect(queue.isFull(false, 2)).toBe(true)
    expect(queue.isFull(false, 1)).toBe(false)
    queue.push(item('L', true))
    expect(queue.isFull(true, 2)).toBe(true)
    expect(queue.push(item('L', true))).toBe(false)
  })

  test('gives out what has expired, leased or not', () => {
    const queue = new LeasedFirstQueue<Item>(4)
    queue.push(item('old', false, 5))
    queue.push(item('also old', true, 6))
    queue.push(item('new', true, 50))
    expect(
      queue
        .takeExpired(10)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['also old', 'old'])
    expect(queue.length).toBe(1)
    expect(queue.takeAll().map(({ name }) => name)).toEqual(['new'])
  })
})
