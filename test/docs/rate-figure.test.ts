import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { type RateFigure, rateFigure } from './rate-figure.ts'
import { front } from './split-figures.ts'

const figure: RateFigure = {
  title: 'Accuracy & bytes',
  scoreLabel: 'top-1, %',
  series: [
    {
      label: 'ours',
      style: 'ours',
      points: [
        { bytes: 100, score: 90 },
        { bytes: 50, score: 85 },
      ],
    },
    {
      label: 'a <peer>',
      style: 'curve',
      points: [
        { bytes: 400, score: 80 },
        { bytes: 900, score: 92 },
        { bytes: 200, score: 10 },
      ],
    },
    { label: 'one point', style: 'points', points: [{ bytes: 2000, score: 91 }] },
  ],
  reference: { label: 'teacher', score: 93 },
  lowest: 60,
}

const places = (svg: string, element: string): number[][] =>
  [...svg.matchAll(new RegExp(`<${element} [^>]*points="([^"]+)"`, 'g'))].map(([, points]) =>
    points!.split(/[ ,]/).map(Number),
  )

describe('a figure of rate against score', () => {
  it('draws curves from few bytes to many, higher for a better score, further right for more bytes', () => {
    const [ours, peer, ...others] = places(rateFigure(figure), 'polyline')
    expect(others).toEqual([])
    const [x0, y0, x1, y1] = ours as [number, number, number, number]
    expect(x1).toBeGreaterThan(x0)
    expect(y1).toBeLessThan(y0)
    const [x2, y2, x3, y3] = peer as [number, number, number, number]
    // Twice the bytes are the same way on a logarithmic axis, wherever they are.
    expect((x3 - x2) / Math.log(900 / 400)).toBeCloseTo((x1 - x0) / Math.log(2), 0)
    expect((y2 - y3) / 12).toBeCloseTo((y0 - y1) / 5, 0)
  })

  it('leaves out what lies below, and says the same twice', () => {
    expect(places(rateFigure(figure), 'polyline')[1]).toHaveLength(4)
    expect(rateFigure(figure)).toBe(rateFigure(structuredClone(figure)))
  })

  it('is an image that programs can read, and names its curves', async () => {
    const svg = rateFigure(figure)
    expect((await sharp(Buffer.from(svg)).metadata()).format).toBe('svg')
    for (const text of ['ours', 'a &lt;peer&gt;', 'one point', 'teacher', 'Accuracy &amp; bytes']) {
      expect(svg).toContain(text)
    }
    expect(svg).toContain('prefers-color-scheme:dark')
  })
})

it('the front of many settings leaves out those that another beats', () => {
  const points = [
    { bytes: 100, score: 50 },
    { bytes: 120, score: 49 },
    { bytes: 100, score: 40 },
    { bytes: 300, score: 60 },
    { bytes: 200, score: 60 },
  ]
  expect(front(points)).toEqual([
    { bytes: 100, score: 50 },
    { bytes: 200, score: 60 },
  ])
})
