import { seededRandom } from '@isthmus/models/data'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FairQueue, type FairQueueOptions } from './fair-queue.ts'

const pixels = (value: number) => Uint8Array.of(value)
const queue = (options: Partial<FairQueueOptions> = {}) =>
  new FairQueue({ limit: 1000, perDevice: 100, activeForMs: 60_000, ...options })

const names = (kind: string, count: number) => Array.from({ length: count }, (_, at) => `${kind}-${at}`)

function fill(line: FairQueue, device: string, count: number, nowMs = 0): number {
  let displaced = 0
  for (let at = 0; at < count; at++) displaced += line.add({ device, pixels: pixels(at) }, nowMs)
  return displaced
}

const share = (taken: readonly { readonly device: string }[] | undefined, device: string) =>
  taken?.filter((upload) => upload.device === device).length

describe('a fair queue', () => {
  it('lets devices take turns, however many uploads one of them has', () => {
    const line = queue()
    fill(line, 'flood', 90)
    for (const device of ['a', 'b', 'c']) fill(line, device, 4)
    const taken = line.take(16, 0)
    expect(['flood', 'a', 'b', 'c'].map((device) => share(taken, device))).toEqual([4, 4, 4, 4])
  })

  it('gives each device its uploads in order', () => {
    const line = queue()
    fill(line, 'a', 5)
    expect(line.take(3, 0)?.map((upload) => upload.pixels[0])).toEqual([0, 1, 2])
    expect(line.take(2, 0)?.map((upload) => upload.pixels[0])).toEqual([3, 4])
  })

  it('waits rather than give a device more than its bounded share', () => {
    const line = queue({ fairness: 1.5 })
    fill(line, 'flood', 100)
    for (const device of ['a', 'b', 'c']) fill(line, device, 2)
    // Four active devices: at most 1.5 · 32 / 4 = 12 of one, and 6 are all that the others have.
    expect(line.take(32, 0)).toBeUndefined()
    for (const device of ['a', 'b', 'c']) fill(line, device, 5)
    expect(share(line.take(32, 0), 'flood')).toBe(11)
  })

  it('gives the devices that always have something waiting no more of all batches than their bounded share', () => {
    const line = queue({ fairness: 1.5 })
    const [hostile, honest] = [names('hostile', 10), names('honest', 90)]
    for (const device of honest) fill(line, device, 1)
    const taken = { batches: 0, hostile: 0 }
    for (let turn = 0; turn < 2000; turn++) {
      for (const device of hostile) fill(line, device, 1)
      // The others send one upload a turn, together.
      fill(line, honest[turn % honest.length]!, 1)
      for (let batch = line.take(32, 0); batch; batch = line.take(32, 0)) {
        taken.batches++
        taken.hostile += batch.filter(({ device }) => device.startsWith('hostile')).length
      }
    }
    expect(taken.batches).toBeGreaterThan(70)
    expect(taken.hostile).toBeLessThanOrEqual(0.15 * 32 * taken.batches + hostile.length)
    // What nobody else has a share in is theirs, too: nothing is held back for nothing.
    expect(taken.hostile).toBeGreaterThan(0.14 * 32 * taken.batches)
  })

  it('gives no device more of any run of batches than its bounded share and one, however uploads come', () => {
    const devices = fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { minLength: 2, maxLength: 120 })
    const fleets = fc.record({ devices, count: fc.integer({ min: 1, max: 40 }), seed: fc.nat() })
    fc.assert(
      fc.property(fleets, ({ devices, count, seed }) => {
        const line = queue({ fairness: 1.5, perDevice: 20, limit: 10_000 })
        const random = seededRandom(seed)
        const most = Math.min(count, (1.5 * count) / devices.length)
        const beyond = devices.map(() => ({ now: 0, least: 0 }))
        const worst = { ofBatch: 0, ofRun: 0 }
        for (const at of devices.keys()) fill(line, `${at}`, 1)
        for (let turn = 0; turn < 30; turn++) {
          for (const [at, rate] of devices.entries()) fill(line, `${at}`, Math.floor(rate + random.uniform()))
          for (let batch = line.take(count, 0); batch; batch = line.take(count, 0)) {
            for (const [at, one] of beyond.entries()) {
              const had = share(batch, `${at}`)!
              worst.ofBatch = Math.max(worst.ofBatch, had)
              one.now += had - most
              worst.ofRun = Math.max(worst.ofRun, one.now - one.least)
              one.least = Math.min(one.least, one.now)
            }
          }
        }
        expect(worst.ofBatch).toBeLessThanOrEqual(Math.ceil(most))
        expect(worst.ofRun).toBeLessThanOrEqual(1)
      }),
      { numRuns: 50 },
    )
  })

  it('does not wait for ever for those who have gone: the others begin anew', () => {
    const devices = names('left', 25).map((device) => ({ device, carried: 0 }))
    const waiting = [pixels(1), pixels(2), pixels(3)]
    const state = { devices: devices.map((one) => ({ ...one, silentMs: 0, waiting })) }
    const options = { limit: 1000, perDevice: 100, activeForMs: 60_000, fairness: 1.5 }
    // 1.5 · 32 / 25 is less than two, and one of each makes no batch.
    expect(new FairQueue(options, state).take(32, 0)).toHaveLength(32)
  })

  it('bounds nobody where only one device is active, and forgets who has been silent', () => {
    const line = queue({ fairness: 1.5 })
    fill(line, 'gone', 1, 0)
    expect(line.take(1, 0)).toHaveLength(1)
    fill(line, 'here', 40, 50_000)
    expect(line.take(32, 50_000)).toBeUndefined()
    expect(line.activeDevices(60_001)).toBe(1)
    expect(share(line.take(32, 60_001), 'here')).toBe(32)
  })

  it('drops the oldest of a device that has too many, and of the longest line when all is full', () => {
    const line = queue({ perDevice: 10, limit: 12 })
    expect(fill(line, 'flood', 25)).toBe(15)
    expect(fill(line, 'a', 4)).toBe(2)
    expect(line.size).toBe(12)
    const taken = line.take(12, 0)
    expect([share(taken, 'flood'), share(taken, 'a')]).toEqual([8, 4])
    expect(taken?.find((upload) => upload.device === 'flood')?.pixels[0]).toBe(17)
  })

  it('takes what there is when less will do', () => {
    const line = queue()
    expect(line.take(32, 0, 0)).toBeUndefined()
    fill(line, 'a', 3)
    expect(line.take(32, 0)).toBeUndefined()
    expect(line.take(32, 0, 1)).toHaveLength(3)
  })

  it('goes on from its state as if it had never stopped', () => {
    const [one, other] = [queue(), queue()]
    for (const line of [one, other]) {
      fill(line, 'a', 5, 10)
      fill(line, 'b', 9, 20)
      line.take(3, 30)
    }
    const again = new FairQueue({ limit: 1000, perDevice: 100, activeForMs: 60_000 }, other.state(40), 7)
    expect(again.take(8, 7)).toEqual(one.take(8, 40))
    expect(again.size).toBe(one.size)
    // Of device a nothing waits; it had been silent for 30 ms when it was written.
    expect([59_977, 59_978].map((nowMs) => again.activeDevices(nowMs))).toEqual([2, 1])
  })

  it('carries what a device may still have over to its state', () => {
    const options = { limit: 1000, perDevice: 100, activeForMs: 60_000, fairness: 1.5 }
    const lines = [new FairQueue(options), new FairQueue(options)]
    const takes = lines.map((first, at) => {
      let line = first
      for (const device of names('cam', 100)) fill(line, device, 9)
      return Array.from({ length: 20 }, () => {
        if (at === 1) line = new FairQueue(options, structuredClone(line.state(0)))
        return line.take(32, 0)?.map(({ device }) => device)
      })
    })
    expect(takes[1]).toEqual(takes[0])
  })

  it('remembers no more devices than it may, however many ids come', () => {
    const queue = new FairQueue({ limit: 4, perDevice: 2, activeForMs: 1000, devices: 3 })
    const add = (device: string, nowMs: number) => queue.add({ device, pixels: new Uint8Array(1) }, nowMs)
    add('kept', 0)
    for (let at = 1; at <= 50; at++) {
      add(`id-${at}`, at)
      if (at > 1) queue.take(1, at)
    }
    expect(queue.activeDevices(51)).toBeLessThanOrEqual(4)
    for (let at = 0; at < 4; at++) add('kept', 52)
    expect(queue.take(4, 53, 1)!.filter(({ device }) => device === 'kept')).toHaveLength(2)
  })
})
