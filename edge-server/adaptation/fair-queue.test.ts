import { describe, expect, it } from 'vitest'
import { FairQueue, type FairQueueOptions } from './fair-queue.ts'

const pixels = (value: number) => Uint8Array.of(value)
const queue = (options: Partial<FairQueueOptions> = {}) =>
  new FairQueue({ limit: 1000, perDevice: 100, activeForMs: 60_000, ...options })

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
