import type { NormParameters } from '@isthmus/models/adapt'
import { describe, expect, it } from 'vitest'
import { TailBook } from './tail-book.ts'

const tail = (version: number, epoch = 1) => ({
  version,
  epoch,
  parameters: { scale: Float32Array.of(version) } as unknown as NormParameters,
})
const versions = (book: TailBook) => book.state(0).tails.map(({ version }) => version)

describe('the tails of a split network', () => {
  it('gives each head the tail of its version and epoch, and no other', () => {
    const book = new TailBook({ limit: 4, keepMs: 100 })
    book.add(tail(1), 0)
    book.add(tail(2), 0)
    book.add(tail(1, 2), 0)
    expect(book.ask({ epoch: 1, version: 2 }, 0)).toEqual(tail(2))
    expect(book.ask({ epoch: 2, version: 1 }, 0)).toEqual(tail(1, 2))
    expect(book.ask({ epoch: 2, version: 2 }, 0)).toBeUndefined()
    expect(book.newest).toEqual(tail(1, 2))
  })

  it('drops the one that was asked for longest ago when there are too many, but never the newest', () => {
    const book = new TailBook({ limit: 2, keepMs: 1000 })
    book.add(tail(1), 0)
    book.add(tail(2), 1)
    book.ask({ epoch: 1, version: 1 }, 2)
    book.add(tail(3), 3)
    expect(versions(book)).toEqual([1, 3])
  })

  it('drops those that no head asks for any more', () => {
    const book = new TailBook({ limit: 9, keepMs: 100 })
    for (const version of [1, 2, 3]) book.add(tail(version), 0)
    book.ask({ epoch: 1, version: 1 }, 90)
    expect(book.ask({ epoch: 1, version: 2 }, 101)).toEqual(tail(2))
    book.ask({ epoch: 1, version: 9 }, 191)
    expect(versions(book)).toEqual([2, 3])
    book.ask({ epoch: 1, version: 9 }, 900)
    expect(versions(book)).toEqual([3])
  })

  it('goes on as it was, on another clock', () => {
    const book = new TailBook({ limit: 9, keepMs: 100 })
    book.add(tail(1), 0)
    book.add(tail(2), 60)
    const later = new TailBook({ limit: 9, keepMs: 100 }, book.state(80), 5000)
    expect(later.newest).toEqual(tail(2))
    later.ask({ epoch: 1, version: 2 }, 5030)
    expect(versions(later)).toEqual([2])
  })
})
