import { describe, expect, it } from 'vitest'
import { DeviceLedger } from './device-ledger.ts'

describe('the device ledger', () => {
  it('forgets the device that was silent longest when there are too many', () => {
    const ledger = new DeviceLedger(2)
    const first = ledger.touch('a', 0)
    ledger.touch('b', 1)
    expect(ledger.touch('a', 2)).toBe(first)
    ledger.touch('c', 3)
    expect(ledger.size).toBe(2)
    expect(ledger.touch('a', 4)).toBe(first)
  })

  it('never forgets a device with requests outstanding', () => {
    const ledger = new DeviceLedger(1)
    const busy = ledger.touch('a', 0)
    busy.outstanding = 1
    for (let n = 0; n < 100; n++) ledger.touch(`b${n}`, n)
    expect(ledger.touch('a', 200)).toBe(busy)
    expect(ledger.size).toBeLessThanOrEqual(2)
  })

  it('counts the devices that are online', () => {
    const ledger = new DeviceLedger(10)
    ledger.touch('a', 0).online = true
    ledger.touch('b', 0).online = true
    ledger.touch('a', 1).online = false
    expect(ledger.online).toBe(1)
  })
})
