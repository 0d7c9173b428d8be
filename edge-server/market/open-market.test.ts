import { expect, test } from 'vitest'
import { rulesOf } from './open-market.ts'
import { RoundBook } from './round-book.ts'

test.each([
  [1000, 30_000],
  [20_000, 1500],
  [600_000, 30_000],
])(
  'in rounds of %i ms, renewals of a lease of %i ms are all read, and a flood is not',
  (roundMs, leaseMs) => {
    const rules = rulesOf({ roundMs, leaseMs, tenureMs: 600_000, maxDevices: 10 })
    const book = new RoundBook(rules)
    let nowMs = 0
    for (let count = 0; count < 400; count++, nowMs += leaseMs / 9) {
      expect(book.mayRead('cam', nowMs).read).toBe(true)
    }
    const read = Array.from({ length: 10_000 }, () => book.mayRead('flood', nowMs).read).filter((yes) => yes)
    expect(read.length).toBe(2 * rules.perRound)
  },
)
