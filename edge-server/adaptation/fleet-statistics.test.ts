import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FleetStatistics } from './fleet-statistics.ts'

const packed = { mean: Float32Array.of(0, 0), variance: Float32Array.of(1, 1) }
const of = (value: number) => ({
  mean: Float32Array.of(value, -value),
  variance: Float32Array.of(1 + Math.abs(value), 1),
})
const open = (capacity = 100) => new FleetStatistics({ capacity, activeForMs: 1000, packed })

describe('what a fleet tells of its frames', () => {
  it('is nothing at first, and of a single device what that has told', () => {
    const fleet = open()
    expect(fleet.centre(0)).toBeUndefined()
    fleet.take('a', of(2), 0)
    expect(fleet.centre(0)).toEqual(of(2))
    fleet.take('a', undefined, 1)
    expect(fleet.centre(1)).toBeUndefined()
  })

  it('has a centre that hostile devices, fewer than the honest ones, cannot move beyond what these have told', () => {
    const value = fc.double({ min: -5, max: 5, noNaN: true })
    const wild = fc.double({ min: -1e6, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 2, maxLength: 9 }),
        fc.array(wild, { maxLength: 8 }),
        (honest, hostile) => {
          const fleet = open()
          honest.forEach((one, at) => {
            fleet.take(`honest-${at}`, of(one), 0)
          })
          hostile.slice(0, honest.length - 1).forEach((one, at) => {
            fleet.take(`hostile-${at}`, of(one), 0)
          })
          const { mean } = fleet.centre(0)!
          const told = honest.map(Math.fround)
          expect(mean[0]).toBeGreaterThanOrEqual(Math.min(...told))
          expect(mean[0]).toBeLessThanOrEqual(Math.max(...told))
        },
      ),
    )
  })

  it('does not follow one device out of a fleet to which the packed network fits', () => {
    const fleet = open()
    fleet.take('honest', undefined, 0)
    fleet.take('hostile', of(100), 0)
    expect(fleet.centre(0)).toBeUndefined()
    for (const device of ['b', 'c', 'd']) fleet.take(device, undefined, 0)
    expect(fleet.centre(0)).toBeUndefined()
  })

  it('does not follow a tenth of a fleet, nor one device where the others tell nothing but upload', () => {
    const fleet = open()
    for (let at = 0; at < 27; at++) fleet.take(`honest-${at}`, undefined, 0)
    for (const device of ['x', 'y', 'z']) fleet.take(device, of(100), 0)
    expect(fleet.centre(0)).toBeUndefined()
    for (const device of ['a', 'b', 'c', 'd', 'e']) fleet.take(device, of(1), 0)
    expect(fleet.centre(0)).toEqual(of(1))
    const silent = open()
    silent.take('hostile', of(100), 0)
    expect(silent.centre(0, 1)).toEqual(of(100))
    expect(silent.centre(0, 2)).toBeUndefined()
  })

  it('of two devices is what is nearer to the packed network', () => {
    const fleet = open()
    fleet.take('honest', of(1), 0)
    fleet.take('hostile', of(100), 0)
    expect(fleet.centre(0)).toEqual(of(1))
  })

  it('forgets who has been silent, and who has been silent longest when there are too many', () => {
    const fleet = open(2)
    fleet.take('a', of(1), 0)
    expect(fleet.centre(1000)).toEqual(of(1))
    expect(fleet.centre(1001)).toBeUndefined()
    fleet.take('b', of(2), 1001)
    fleet.take('c', of(3), 1002)
    expect(fleet.devices).toBe(2)
    expect(fleet.centre(1002)).toEqual(of(2))
  })
})
