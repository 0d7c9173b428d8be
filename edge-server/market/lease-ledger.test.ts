import { describe, expect, test } from 'vitest'
import { creditsFor, LeaseLedger, type LedgerEntry } from './lease-ledger.ts'

const options = { capacity: [4, 8, 0, 100], credits: 32, leaseMs: 3000, holdMs: 500 }
const order = (number: number, round = 1, part = 0, holder = 'edge-a') => ({ number, holder, round, part })
const grant = (device: string, cpu: number, bid = 1, boot = 1) => ({
  device,
  boot,
  bid,
  nonce: 9,
  demand: [cpu, 0, 0, 0],
  payment: 1,
})
const outcomes = (
  ledger: LeaseLedger,
  number: number,
  grants: ReturnType<typeof grant>[],
  round = 1,
  part = 0,
) =>
  ledger
    .apply(order(number, round, part), grants, 0)
    .verdicts.map((verdict) => ('lease' in verdict ? 'lease' : verdict.reason))
const keyOf = (device: string, id = 1, boot = 1) => ({ device, boot, id })

describe('the leases of a server', () => {
  test('have to be won again after their tenure, however often they are renewed', () => {
    const ledger = new LeaseLedger({ ...options, tenureMs: 5000 })
    outcomes(ledger, 1, [grant('a', 1)])
    for (const nowMs of [400, 2000, 4000]) expect(ledger.renew(keyOf('a'), 9, nowMs)).toBeDefined()
    expect(ledger.expire(4999).ended).toHaveLength(0)
    expect(ledger.expire(5000).ended).toHaveLength(1)
  })

  test('never hold more than it has, whatever is ordered', () => {
    const ledger = new LeaseLedger(options)
    expect(outcomes(ledger, 1, [grant('a', 3), grant('b', 2), grant('c', 1)])).toEqual([
      'lease',
      'capacity-gone',
      'lease',
    ])
    expect(ledger.free).toEqual([0, 8, 0, 100])
    expect(outcomes(ledger, 1, [grant('d', 0.01)], 2)).toEqual(['capacity-gone'])
  })

  test.each([[-1], [Number.NaN]])('are not given for a demand of %s', (cpu) => {
    expect(outcomes(new LeaseLedger(options), 1, [grant('a', cpu)])).toEqual(['capacity-gone'])
  })

  test('are not ordered by an auctioneer that has been replaced, even where nothing but its claim was heard of the new one', () => {
    const ledger = new LeaseLedger(options)
    expect(outcomes(ledger, 5, [grant('a', 1)])).toEqual(['lease'])
    ledger.observe({ number: 6, holder: 'edge-b' })
    expect(outcomes(ledger, 5, [grant('b', 1)], 2)).toEqual(['old-order'])
    expect(outcomes(ledger, 6, [grant('b', 1)])).toEqual(['old-order'])
    const { verdicts } = ledger.apply(order(6, 1, 0, 'edge-b'), [grant('b', 1)], 0)
    expect(verdicts[0]).toMatchObject({ lease: { device: 'b' } })
  })

  test('count once when an order comes twice, and not again when they are over', () => {
    const ledger = new LeaseLedger(options)
    outcomes(ledger, 1, [grant('a', 1)])
    expect(outcomes(ledger, 1, [grant('a', 1)])).toEqual(['lease'])
    expect(ledger.free[0]).toBe(3)
    ledger.release(keyOf('a'), 9)
    expect(outcomes(ledger, 1, [grant('a', 1)])).toEqual(['old-order'])
    expect(ledger.free[0]).toBe(4)
  })

  test('end when they are not taken, not renewed, given back, or their device goes', () => {
    const ledger = new LeaseLedger(options)
    outcomes(ledger, 1, [grant('a', 1), grant('b', 1), grant('c', 1), grant('d', 1)])
    for (const device of ['b', 'c', 'd']) expect(ledger.renew(keyOf(device), 9, 400)).toBeDefined()
    expect(ledger.expire(500).ended.map(({ device }) => device)).toEqual(['a'])
    ledger.release(keyOf('b'), 9)
    ledger.gone('c', 1)
    expect(ledger.free[0]).toBe(3)
    expect(ledger.renew(keyOf('d'), 9, 3399)).toBeDefined()
    expect(ledger.expire(6398).ended).toHaveLength(0)
    expect(ledger.expire(6399).ended).toHaveLength(1)
    expect(ledger.renew(keyOf('d'), 9, 6399)).toBeUndefined()
    expect(ledger.free).toEqual(options.capacity)
  })

  test('of a new life of a device stay when the last will of an earlier one comes', () => {
    const ledger = new LeaseLedger(options)
    outcomes(ledger, 1, [grant('a', 1, 1, 2)])
    ledger.gone('a', 1)
    expect(ledger.size).toBe(1)
  })

  test('are not touched by whoever does not know their nonce', () => {
    const ledger = new LeaseLedger(options)
    outcomes(ledger, 1, [grant('a', 1)])
    expect(ledger.renew(keyOf('a'), 8, 1)).toBeUndefined()
    expect(ledger.release(keyOf('a'), 8)).toEqual([])
    expect(ledger.size).toBe(1)
  })

  test('and the fence outlive a restart, with all of their time', () => {
    const written: LedgerEntry[] = []
    const ledger = new LeaseLedger(options)
    written.push(...ledger.apply(order(3), [grant('a', 2), grant('b', 1)], 0).entries)
    written.push(...ledger.release(keyOf('b'), 9))
    for (const entries of [written, ledger.snapshot()]) {
      const again = new LeaseLedger(options, entries, 50_000)
      expect([...again.leases].map(({ device }) => device)).toEqual(['a'])
      expect(again.free).toEqual(ledger.free)
      expect(again.expire(52_999).ended).toHaveLength(0)
      expect(outcomes(again, 2, [grant('c', 1)], 9)).toEqual(['old-order'])
      expect(outcomes(again, 3, [grant('c', 1)], 1)).toEqual(['old-order'])
      expect(outcomes(again, 3, [grant('c', 1)], 2)).toEqual(['lease'])
    }
  })
})

test('credits of leases that fit together fit together', () => {
  const { capacity, credits } = options
  const demands = [
    [4, 0, 0, 0],
    [0, 8, 0, 0],
    [0, 0, 0, 100],
  ]
  const sum = demands.reduce((all, demand) => all + creditsFor(demand, capacity, credits), 0)
  expect(sum).toBeLessThanOrEqual(credits)
  expect(creditsFor(capacity, capacity, credits)).toBe(credits)
  expect(creditsFor([0.001, 0, 0, 0], capacity, credits)).toBe(1)
})
