import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { configSchema } from '../config/schema.ts'
import { openMarket, rulesOf } from './open-market.ts'
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

test('leases are kept by one server of an id at a time: a second would put its file in the place of the first one’s', async () => {
  const marketDir = join(await mkdtemp(join(tmpdir(), 'isthmus-market-')), 'market')
  const open = (id: string) =>
    openMarket({
      config: configSchema.parse({ market: 'critical', marketDir, id }),
      registry: new Registry(),
      log: pino({ level: 'silent' }),
      epoch: 1,
      clock: () => performance.now(),
      send: () => {},
      onElected: () => {},
      warn: () => {},
    })
  const [first, other] = [await open('edge-a'), await open('edge-b')]
  await expect(open('edge-a')).rejects.toMatchObject({ code: 'FOLDER_IN_USE' })
  await first.close()
  await (await open('edge-a')).close()
  await other.close()
})
