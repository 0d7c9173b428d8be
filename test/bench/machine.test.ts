import type { CpuInfo } from 'node:os'
import { describe, expect, it } from 'vitest'
import { busyCores, isBusy } from './machine.ts'

const core = (user: number, idle: number): CpuInfo => ({
  model: 'abacus',
  speed: 1,
  times: { user, nice: 0, sys: 0, idle, irq: 0 },
})

describe('busyCores', () => {
  it('adds up the share of time that each core was at work', () => {
    const before = [core(100, 100), core(0, 0)]
    expect(busyCores(before, [core(100, 1100), core(0, 1000)])).toBe(0)
    expect(busyCores(before, [core(1100, 100), core(500, 500)])).toBe(1.5)
  })

  it('counts nothing when no time has passed', () => {
    expect(busyCores([core(1, 1)], [core(1, 1)])).toBe(0)
  })
})

describe('isBusy', () => {
  it('tells a quiet machine from one that computes', () => {
    expect(isBusy({ busyCores: 0.05 })).toBe(false)
    expect(isBusy({ busyCores: 1 })).toBe(true)
  })
})
