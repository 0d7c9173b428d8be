import { describe, expect, it } from 'vitest'
import { ReplayWindow } from './replay-window.ts'

describe('a replay window', () => {
  it('admits each id of a boot once', () => {
    const window = new ReplayWindow()
    expect([1, 2, 2, 1, 3].map((id) => window.admit(7, id))).toEqual([true, true, false, false, true])
  })

  it('admits the same id again after a restart, and still knows the boot before', () => {
    const window = new ReplayWindow()
    window.admit(1, 5)
    expect(window.admit(2, 5)).toBe(true)
    expect(window.admit(1, 5)).toBe(false)
    expect(window.admit(2, 5)).toBe(false)
  })

  it('remembers at least the last 256 ids, and does not take 0 for one of them', () => {
    const window = new ReplayWindow()
    for (let id = 1; id <= 1000; id++) expect(window.admit(1, id)).toBe(true)
    expect(window.admit(1, 1000 - 255)).toBe(false)
    expect(new ReplayWindow().admit(1, 0)).toBe(true)
  })
})
