import type { ClearMarket } from '@isthmus/edge-server/market'
import { describe, expect, test } from 'vitest'
import { Storm } from './storm.ts'

/** Who bids most gets the first server with room. */
const clear: ClearMarket = ({ requests, resources }) => {
  const free = resources.map(({ capacity }) => [...capacity])
  const winners = []
  for (const { id, demand, bid } of [...requests].sort((a, b) => b.bid - a.bid)) {
    const at = free.findIndex((amounts) => demand.every((amount, kind) => amount <= amounts[kind]!))
    if (at < 0) continue
    for (const [kind, amount] of demand.entries()) free[at]![kind]! -= amount
    winners.push({ request: id, resource: resources[at]!.id, payment: bid })
  }
  return { winners, losers: [], value: 0 }
}

const storm = { servers: 3, devices: 12, clear }

describe('a market in a storm', () => {
  test('gives no capacity away twice and loses no lease, whoever crashes', async () => {
    const report = await new Storm({ ...storm, seed: 1, rounds: 600 }).run()
    expect(report).toMatchObject({ doubleAllocations: 0, lostLeases: 0 })
    // It was a storm, and the market worked in it.
    expect(report.auctioneerCrashes).toBeGreaterThan(5)
    expect(report.deviceCrashes).toBeGreaterThan(50)
    expect(report.granted).toBeGreaterThan(200)
    expect(report.rounds).toBeGreaterThan(400)
    expect(report.ended.expired).toBeGreaterThan(0)
  }, 300_000)

  test('does so, too, where disks are slow and most messages come twice', async () => {
    const slow = { diskMs: 1500, duplicates: 0.6 }
    const report = await new Storm({ ...storm, ...slow, seed: 1, rounds: 600 }).run()
    expect(report).toMatchObject({ doubleAllocations: 0, lostLeases: 0 })
    expect(report.granted).toBeGreaterThan(200)
    expect(report.serverCrashes).toBeGreaterThan(20)
  }, 300_000)

  test('is found to break its promises where leases are not written down', async () => {
    const report = await new Storm({
      ...storm,
      seed: 2,
      rounds: 200,
      sabotage: 'leases are not written down',
    }).run()
    expect(report.doubleAllocations).toBeGreaterThan(0)
    expect(report.lostLeases).toBeGreaterThan(0)
  }, 300_000)
})
