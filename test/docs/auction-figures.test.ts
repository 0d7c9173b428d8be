import { describe, expect, it } from 'vitest'
import { auctionFigures } from './auction-figures.ts'

const point = (hour: number) => ({ hour, cpu: hour / 24, cpuPrice: 2 * hour, jain: 0.5 })
const stored = {
  detail: {
    hierarchy: {
      scaling: {
        threads: 2,
        exponent: 1,
        rows: [1000, 10_000].map((requests) => ({
          requests,
          seconds: requests / 1e4,
          cpuSeconds: requests / 6e3,
        })),
      },
    },
    replay: {
      loads: [
        { load: 3, series: ['auction', 'fifo <&>'].map((name) => ({ name, points: [point(1), point(24)] })) },
      ],
    },
  },
}

describe('figures of auctions', () => {
  it('draw a straight line for a time that grows with the size, on logarithmic axes', () => {
    const [first, second] = [
      ...auctionFigures(stored)['auction-scaling.svg']!.matchAll(/points="([^"]+)"/g),
    ].map(([, points]) => points!.split(' ').map((pair) => pair.split(',').map(Number)))
    const steepness = ([a, b]: number[][]) => (b![1]! - a![1]!) / (b![0]! - a![0]!)
    expect(steepness(first!)).toBeCloseTo(steepness(second!), 2)
  })

  it('draw use and fairness of all methods, and the price of the auction', () => {
    const svg = auctionFigures(stored)['auction-day.svg']!
    expect(svg.match(/<polyline/g)).toHaveLength(5)
    expect(svg).toContain('fifo &lt;&amp;&gt;')
    expect(svg).not.toMatch(/NaN|Infinity/)
  })

  it('are none where nothing was measured', () => {
    expect(auctionFigures({ detail: {} })).toEqual({})
  })
})
