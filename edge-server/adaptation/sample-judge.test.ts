import { describe, expect, it } from 'vitest'
import { mirror, UsualEntropy } from './sample-judge.ts'

describe('usual entropy', () => {
  it('follows a fleet that has become unsure of everything', () => {
    const usual = new UsualEntropy()
    for (const device of ['a', 'b', 'c']) for (let at = 1; at <= 4; at++) usual.add(device, 0.1 * at)
    expect(usual.threshold).toBeCloseTo(0.4)
    for (const device of ['a', 'b', 'c']) for (let at = 0; at < 16; at++) usual.add(device, 2)
    expect(usual.threshold).toBe(2)
  })

  it('is not moved by a minority, however much it uploads', () => {
    const usual = new UsualEntropy()
    for (let device = 0; device < 9; device++) usual.add(`cam-${device}`, 0.5)
    for (let at = 0; at < 500; at++) for (const device of ['x', 'y', 'z', 'v']) usual.add(device, 2.3)
    expect(usual.threshold).toBe(0.5)
  })

  it('says nothing of one or two devices, nor of what is no number', () => {
    const usual = new UsualEntropy()
    for (const device of ['a', 'b']) usual.add(device, 2)
    usual.add('c', Number.NaN)
    expect(usual.threshold).toBe(0)
  })

  it('goes on from its state', () => {
    const usual = new UsualEntropy()
    for (const device of ['a', 'b', 'c']) for (let at = 0; at < 20; at++) usual.add(device, at / 10)
    expect(new UsualEntropy(structuredClone(usual.state())).threshold).toBe(usual.threshold)
  })
})

describe('the mirror image', () => {
  it('turns each row of each plane', () => {
    expect([...mirror(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), [2, 2, 3])]).toEqual([
      3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10,
    ])
  })
})
