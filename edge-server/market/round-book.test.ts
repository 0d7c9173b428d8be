import { describe, expect, test } from 'vitest'
import { RoundBook } from './round-book.ts'

const options = { roundMs: 1000, maxBids: 100, maxOpen: 2, perRound: 4, maxDevices: 50 }
const bid = {
  nonce: 7,
  validMs: 2500,
  demand: [1, 0, 0, 0],
  price: 5,
  priority: 0.5,
  reliability: 0.5,
  availability: 0.5,
  latencyMs: 20,
  x: 0,
  y: 0,
  resourceKind: '',
}
const key = (device: string, id = 1, boot = 1) => ({ device, boot, id })
const names = (book: RoundBook<string>, nowMs: number) =>
  book.close(nowMs).bids.map(({ device, id }) => `${device}/${id}`)

describe('the bids of a round', () => {
  test('count once however often one is repeated', () => {
    const book = new RoundBook<string>(options)
    expect(book.submit(key('cam'), bid, 0).kind).toBe('counted')
    expect(book.submit(key('cam'), bid, 1).kind).toBe('repeated')
    expect(names(book, 10)).toEqual(['cam/1'])
  })

  test('a repetition that comes after its award gets that again, and does not count', () => {
    const book = new RoundBook<string>(options)
    book.submit(key('cam'), bid, 0)
    book.close(10)
    book.settle(key('cam'), 7, 'lost', 11)
    expect(book.submit(key('cam'), bid, 12)).toEqual({ kind: 'answered', answer: 'lost' })
    expect(names(book, 20)).toEqual([])
  })

  test('are in the next round when they come late', () => {
    const book = new RoundBook<string>(options)
    book.submit(key('cam'), bid, 0)
    const first = book.close(1000)
    book.submit(key('late'), bid, 1000)
    for (const sealed of first.bids) book.settle(sealed, 7, 'lost', 1001)
    expect(names(book, 2000)).toEqual(['late/1'])
  })

  test('of one id with another nonce are refused: it is another bid', () => {
    const book = new RoundBook<string>(options)
    book.submit(key('cam'), bid, 0)
    expect(book.submit(key('cam'), { ...bid, nonce: 8 }, 1)).toMatchObject({ reason: 'id-reused' })
    book.settle(key('cam'), 7, 'lost', 2)
    expect(book.submit(key('cam'), { ...bid, nonce: 8 }, 3)).toMatchObject({ reason: 'id-reused' })
  })

  test('expire by the clock of the book, from when they came', () => {
    const book = new RoundBook<string>(options)
    book.submit(key('cam'), bid, 1_000_000)
    expect(book.close(1_002_499).bids).toHaveLength(1)
    const { bids, expired } = book.close(1_002_500)
    expect([bids.length, expired.length]).toEqual([0, 1])
  })

  test('come in the same order, in whatever order they arrived', () => {
    const [one, other] = [new RoundBook<string>(options), new RoundBook<string>(options)]
    for (const device of ['b', 'a', 'c']) one.submit(key(device), bid, 0)
    for (const device of ['c', 'b', 'a']) other.submit(key(device), bid, 0)
    expect(names(one, 1)).toEqual(names(other, 1))
  })

  test('of a device that has gone are gone, and those of its next life are not', () => {
    const book = new RoundBook<string>(options)
    book.submit(key('cam', 1, 1), bid, 0)
    book.submit(key('cam', 2, 2), bid, 0)
    book.withdraw('cam', 1)
    expect(names(book, 1)).toEqual(['cam/2'])
  })

  test('for which a server was asked wait for its answer, and then take part again', () => {
    const book = new RoundBook<string>(options)
    book.submit(key('cam'), bid, 0)
    book.close(10).bids[0]!.askedUntilMs = 1500
    expect(names(book, 1010)).toEqual([])
    expect(names(book, 1500)).toEqual(['cam/1'])
  })

  test.each([
    ['negative demand', { demand: [-1, 0, 0, 0] }, 'bad-demand'],
    ['demand that is no number', { demand: [Number.NaN, 0, 0, 0] }, 'bad-demand'],
    ['huge demand', { demand: [1e12, 0, 0, 0] }, 'bad-demand'],
    ['no demand', { demand: [0, 0, 0, 0] }, 'bad-demand'],
    ['a huge budget', { price: 1e300 }, 'bad-price'],
    ['a budget that is no number', { price: Number.NaN }, 'bad-price'],
    ['a negative budget', { price: -1 }, 'bad-price'],
    ['priority above 1', { priority: 2 }, 'bad-needs'],
    ['a negative latency', { latencyMs: -1 }, 'bad-needs'],
    ['a place beyond the world', { x: Number.POSITIVE_INFINITY }, 'bad-place'],
    ['no time to live', { validMs: 0 }, 'bad-validity'],
  ])('with %s are refused with a reason, alone', (_, wrong, reason) => {
    const book = new RoundBook<string>(options)
    book.submit(key('good'), bid, 0)
    expect(book.submit(key('cam'), { ...bid, ...wrong }, 0)).toMatchObject({ kind: 'rejected', reason })
    expect(names(book, 1)).toEqual(['good/1'])
  })
})

describe('100,000 bids from one device', () => {
  test('are neither read nor kept beyond its share, and the others are in the round as if there were none', () => {
    const book = new RoundBook<string>(options)
    let read = 0
    let told = 0
    for (let id = 1; id <= 100_000; id++) {
      const verdict = book.mayRead('flood', 0)
      if (verdict.tell) told++
      if (!verdict.read) continue
      read++
      book.submit(key('flood', id), { ...bid, nonce: id }, 0)
      if (id === 1) book.submit(key('cam'), bid, 0)
    }
    expect(read).toBe(2 * options.perRound)
    expect(told).toBe(1)
    expect(book.mayRead('cam', 0).read).toBe(true)
    expect(names(book, 1).filter((name) => !name.startsWith('flood'))).toEqual(['cam/1'])
    expect(book.size).toBe(1 + options.maxOpen)
  })

  test('from as many devices fill the book, not the memory', () => {
    const book = new RoundBook<string>(options)
    for (let at = 0; at < 100_000; at++) {
      if (book.mayRead(`dev-${at}`, 0).read) book.submit(key(`dev-${at}`), bid, 0)
    }
    expect(book.size).toBeLessThanOrEqual(options.maxBids)
  })
})
