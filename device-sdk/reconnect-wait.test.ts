import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReconnectWait } from './reconnect-wait.ts'

const ms = fc.integer({ min: 10, max: 60_000 })

test('a wait lies between the shortest and the longest, whatever they are', () => {
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(ms, ms, fc.array(random, { minLength: 1 }), (one, other, drawn) => {
      const [minMs, maxMs] = [Math.min(one, other), Math.max(one, other)]
      let at = 0
      const wait = new ReconnectWait({ minMs, maxMs }, () => drawn[at++ % drawn.length]!)
      for (let attempt = 0; attempt < 20; attempt++) {
        const waitMs = wait.next()
        expect(waitMs).toBeGreaterThanOrEqual(minMs)
        expect(waitMs).toBeLessThanOrEqual(maxMs)
      }
    }),
  )
})

test('waits grow to the longest, and are short again after a connection that lasted', () => {
  const wait = new ReconnectWait({ minMs: 100, maxMs: 1000 }, () => 0.999999)
  const waits = () => Array.from({ length: 5 }, () => Math.round(wait.next()))
  expect(waits()).toEqual([200, 400, 800, 1000, 1000])
  wait.reset()
  expect(waits().slice(0, 2)).toEqual([200, 400])
})

test('devices that lost the same broker at the same moment come back at different ones', () => {
  const waits = [0, 0.25, 0.5, 0.75].map((drawn) => {
    const wait = new ReconnectWait({ minMs: 250, maxMs: 5000 }, () => drawn)
    return [wait.next(), wait.next()]
  })
  expect(waits).toEqual([
    [250, 250],
    [312.5, 437.5],
    [375, 625],
    [437.5, 812.5],
  ])
})
