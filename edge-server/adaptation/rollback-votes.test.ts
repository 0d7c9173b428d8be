import { describe, expect, it } from 'vitest'
import { RollbackVotes } from './rollback-votes.ts'

const votes = () => new RollbackVotes({ share: 1 / 3, fewest: 2 })

describe('votes against a version', () => {
  it('decide when enough devices have turned it down', () => {
    const against = votes()
    const cast = (device: string) => against.add(device, 4, 4, 9)
    expect(['a', 'b', 'c'].map(cast)).toEqual([false, false, true])
  })

  it('decide, too, when the fleet has become smaller since the earlier ones', () => {
    const against = votes()
    for (const device of ['a', 'b', 'c', 'd']) expect(against.add(device, 4, 4, 30)).toBe(false)
    expect(against.add('e', 4, 4, 6)).toBe(true)
  })

  it('count a device once, however often it speaks', () => {
    const against = votes()
    for (let time = 0; time < 50; time++) expect(against.add('hostile', 4, 4, 2)).toBe(false)
    expect(against.add('a', 4, 4, 2)).toBe(true)
  })

  it('do not add up over versions, nor count for what never went out or is long gone', () => {
    const against = votes()
    expect([5, 0, -1].map((version) => against.add('a', version, 4, 2))).toEqual([false, false, false])
    expect(against.add('a', 3, 4, 2)).toBe(false)
    expect(against.add('b', 4, 4, 2)).toBe(false)
    expect(against.add('b', 1, 20, 2)).toBe(false)
    expect(against.add('a', 1, 20, 2)).toBe(false)
  })

  it('begin anew once the version has been given up', () => {
    const against = votes()
    against.add('a', 4, 4, 2)
    against.clear()
    expect(against.add('b', 4, 4, 2)).toBe(false)
  })
})
