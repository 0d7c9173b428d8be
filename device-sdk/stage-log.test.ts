import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StageLog } from './stage-log.ts'

const sumOf = (stages: object): number => Object.values(stages).reduce((sum, ms) => sum + ms, 0)
const exchange = { uplinkMs: 10, queueMs: 5, decodeMs: 5, tailMs: 15, downlinkMs: 20 }

test('a reply: what was done for a local answer that nobody needed is not part of it', () => {
  const log = new StageLog()
  log.add('encodeMs', 0, 5)
  log.add('preprocessMs', 30, 34)
  log.add('localMs', 34, 50)
  const stages = log.remote(0, 60, exchange)
  expect(stages).toMatchObject({ encodeMs: 5, preprocessMs: 0, localMs: 0 })
  expect(sumOf(stages)).toBe(60)
})

test('a reply: what came before the frame was coded is', () => {
  const log = new StageLog()
  log.add('preprocessMs', 0, 2)
  log.add('headMs', 2, 7)
  log.add('encodeMs', 7, 8)
  expect(log.remote(0, 63, exchange)).toMatchObject({ preprocessMs: 2, headMs: 5, encodeMs: 1, waitMs: 0 })
})

test('stages never add up to more than the wall time, wherever the hedge ran', () => {
  const ms = fc.integer({ min: 0, max: 40 })
  fc.assert(
    fc.property(ms, ms, ms, ms, (before, coding, hedgeAt, hedging) => {
      const log = new StageLog()
      log.add('preprocessMs', 0, before)
      log.add('preprocessMs', before + hedgeAt, before + hedgeAt + hedging)
      log.add('encodeMs', before, before + coding)
      const endMs = before + coding + 55
      expect(sumOf(log.remote(0, endMs, exchange))).toBe(endMs)
    }),
  )
})
