import { expect, it } from 'vitest'
import { RandomStream } from '../random-stream.ts'
import { SharedServer } from './shared-server.ts'

const settings = { speed: 1, rttS: 0, workers: 1, load: 0.5, spellS: 5, jobS: 0.02 }

it('is an M/M/1 line to the others: half loaded, a frame waits 20 ms in the mean', () => {
  const server = new SharedServer(settings)
  const seconds = 20_000
  server.begin(new RandomStream(4), seconds)
  let sumS = 0
  for (let atS = 1; atS < seconds; atS++) sumS += server.waitAt(atS)
  expect(sumS / seconds).toBeGreaterThan(0.018)
  expect(sumS / seconds).toBeLessThan(0.022)
})

it('foresees what taking a frame would give, and takes none by it', () => {
  const server = new SharedServer({ ...settings, workers: 2, load: 0.9 })
  server.begin(new RandomStream(5), 500)
  for (let atS = 0; atS < 500; atS += 0.37) {
    const foreseen = server.foresee(atS, 0.05, atS + 0.1)
    expect(server.foresee(atS, 0.05, atS + 0.1)).toBe(foreseen)
    expect(server.take(atS, 0.05, atS + 0.1)).toBe(foreseen)
    if (foreseen < Infinity) expect(foreseen).toBeLessThan(atS + 0.15)
  }
})
