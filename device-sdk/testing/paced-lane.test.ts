import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../world.test.kit.ts'
import { type LaneShape, PacedLane } from './paced-lane.ts'

const laneOf = (shape: Partial<LaneShape>) => {
  const clock = new VirtualClock()
  const startMs = clock.now()
  const lane = new PacedLane({ rateBps: 250_000, delayMs: 0, jitterMs: 0, random: () => 0, ...shape }, clock)
  const arrivals: [string, number][] = []
  const owner = {}
  const send = (name: string, bytes: number, of: object = owner) =>
    lane.send(of, bytes, () => arrivals.push([name, clock.now() - startMs]))
  return { clock, lane, arrivals, send, owner }
}

describe('a paced lane', () => {
  it('lets 25 kB through 250 kbit/s in 0.8 s', async () => {
    const { clock, send, arrivals } = laneOf({})
    for (let i = 0; i < 25; i++) send(`${i}`, 1000)
    await clock.advance(799)
    expect(arrivals).toHaveLength(24)
    await clock.advance(1)
    expect(arrivals).toHaveLength(25)
    expect(arrivals.map(([name]) => name)).toEqual(Array.from({ length: 25 }, (_, i) => `${i}`))
  })

  it('takes a new rate for what is sent after it', async () => {
    const { clock, lane, send, arrivals } = laneOf({})
    send('first', 1000)
    lane.setRate(2_500_000)
    send('second', 1000)
    await clock.advance(100)
    expect(arrivals.map(([name]) => name)).toEqual(['first', 'second'])
    expect(arrivals[0]![1]).toBe(32)
    // A timer of whole milliseconds delivers it at the next one after 35.2.
    expect(arrivals[1]![1]).toBe(36)
  })

  it('adds the delay to each segment, not to the rate', async () => {
    const { clock, send, arrivals } = laneOf({ delayMs: 40 })
    send('first', 1000)
    send('second', 1000)
    await clock.advance(1000)
    expect(arrivals).toEqual([
      ['first', 72],
      ['second', 104],
    ])
  })

  it('saves nothing up while it is idle', async () => {
    const { clock, send, arrivals } = laneOf({})
    await clock.advance(10_000)
    send('a', 1000)
    send('b', 1000)
    await clock.advance(1000)
    expect(arrivals).toEqual([
      ['a', 10_032],
      ['b', 10_064],
    ])
  })

  it('keeps the order and the least delay under jitter', async () => {
    const rolls = [0.9, 0.1, 0.5]
    const { clock, send, arrivals } = laneOf({ delayMs: 10, jitterMs: 100, random: () => rolls.shift() ?? 0 })
    for (const name of ['a', 'b', 'c']) send(name, 125)
    await clock.advance(1000)
    expect(arrivals).toEqual([
      ['a', 104],
      ['b', 104],
      ['c', 104],
    ])
  })

  it('goes on where it was after having been held', async () => {
    const { clock, lane, send, arrivals } = laneOf({ delayMs: 40 })
    send('a', 1000)
    await clock.advance(60)
    lane.hold()
    lane.hold()
    send('b', 1000)
    await clock.advance(5000)
    expect(arrivals).toEqual([])
    lane.release()
    await clock.advance(1000)
    expect(arrivals).toEqual([
      ['a', 5072],
      ['b', 5132],
    ])
    lane.hold()
    await clock.advance(100)
    lane.release()
    send('c', 1000)
    await clock.advance(1000)
    expect(arrivals[2]).toEqual(['c', 6232])
  })

  it('forgets what a closed connection had waiting, and gives its place to others', async () => {
    const { clock, lane, send, arrivals, owner } = laneOf({})
    for (let i = 0; i < 20; i++) send('dead', 1000)
    const other = {}
    send('alive', 1000, other)
    lane.drop(owner)
    await clock.advance(64)
    expect(arrivals).toEqual([['alive', 64]])
  })
})
