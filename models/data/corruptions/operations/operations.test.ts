import { describe, expect, it } from 'vitest'
import { inside } from './border.ts'
import { cannyEdges } from './canny.ts'
import { clippedZoom } from './clipped-zoom.ts'
import { correlation } from './correlate.ts'
import { distanceTo } from './distance.ts'
import { equalise } from './equalise.ts'
import { gaussianFilter } from './gaussian-filter.ts'

describe('borders', () => {
  it('go on as their names say', () => {
    const around = (border: Parameters<typeof inside>[2]) =>
      Array.from({ length: 11 }, (_, k) => 'abc'[inside(k - 4, 3, border)]).join('')
    expect(around('nearest')).toBe('aaaaabccccc')
    expect(around('reflect')).toBe('ccbaabccbaa')
    expect(around('reflect-101')).toBe('abcbabcbabc')
    expect(inside(-7, 1, 'reflect-101')).toBe(0)
  })
})

describe('a Gaussian filter', () => {
  it('ends at four sigma, and the edge pixel goes on outside', () => {
    // Sigma 0.4: radius 2.
    const out = new Float64Array(5)
    gaussianFilter({ height: 1, width: 5 }, 0.4)(Float64Array.of(1, 0, 0, 0, 0), out)
    const [one, two] = [Math.exp(-1 / 0.32), Math.exp(-4 / 0.32)]
    const sum = 1 + 2 * one + 2 * two
    const expected = [(1 + one + two) / sum, (one + two) / sum, two / sum, 0, 0]
    for (const [k, value] of expected.entries()) expect(out[k]).toBeCloseTo(value, 12)
  })

  it('keeps a flat plane', () => {
    const out = new Float64Array(35).fill(0.5)
    gaussianFilter({ height: 7, width: 5 }, 3, { truncate: 3, border: 'reflect' })(out, out)
    for (const value of out) expect(value).toBeCloseTo(0.5, 12)
  })
})

describe('a correlation', () => {
  it('does not turn its kernel over, and reflects without the edge', () => {
    const out = new Float64Array(3)
    correlation({ height: 1, width: 3 }, [0, 0, 0, 0, 0, 1, 0, 0, 0])(Float64Array.of(5, 6, 7), out)
    expect([...out]).toEqual([6, 7, 6])
  })
})

describe('a clipped zoom', () => {
  it('by 1 changes nothing, by 2 interpolates between the middle pixels', () => {
    const plane = Float64Array.of(1, 2, 4, 8)
    const out = new Float64Array(4)
    clippedZoom({ height: 1, width: 4 }, 1)(plane, out)
    expect([...out]).toEqual([1, 2, 4, 8])
    out.fill(0)
    clippedZoom({ height: 1, width: 4 }, 2)(plane, out)
    // The crop is 2, 4; corners on corners.
    for (const [k, value] of [2, 2 + 2 / 3, 2 + 4 / 3, 4].entries()) expect(out[k]).toBeCloseTo(value, 12)
  })
})

describe('a distance', () => {
  it('counts straight steps, diagonals and knight’s moves', () => {
    const marked = new Uint8Array(25)
    marked[0] = 1
    const distance = distanceTo(marked, { height: 5, width: 5 })
    expect(distance[4]).toBe(4)
    expect(distance[12]).toBeCloseTo(2.8, 12)
    expect(distance[7]).toBeCloseTo(2.1969, 12)
    expect(distance[24]).toBeCloseTo(5.6, 12)
    expect(distanceTo(new Uint8Array(4), { height: 2, width: 2 })[3]).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('edges', () => {
  const size = { height: 6, width: 8 }
  const step = (height: number) => Uint8Array.from({ length: 48 }, (_, k) => (k % 8 < 4 ? 10 : 10 + height))

  it('are one pixel wide where a step is high, none where it is low', () => {
    // A step of h has a gradient of 4·h on both of its sides; the first of them is the ridge.
    const edges = cannyEdges(step(40), size, 50, 150)
    for (let k = 0; k < 48; k++) expect(edges[k]).toBe(k % 8 === 3 ? 1 : 0)
    expect(cannyEdges(step(37), size, 50, 150).some(Boolean)).toBe(false)
  })

  it('go on where they fade, as far as they are linked to a strong place', () => {
    const fading = Uint8Array.from({ length: 48 }, (_, k) => (k % 8 < 4 ? 0 : 60 - 9 * Math.floor(k / 8)))
    const edges = cannyEdges(fading, size, 50, 150)
    expect(edges[5 * 8 + 4]).toBe(1)
    expect(cannyEdges(fading, size, 50, 400).some(Boolean)).toBe(false)
  })
})

describe('equalising', () => {
  it('spreads the values by their ranks, and leaves one value alone', () => {
    const plane = Uint8Array.of(7, 7, 8, 9, 9, 9)
    equalise(plane)
    expect([...plane]).toEqual([0, 0, 64, 255, 255, 255])
    const flat = Uint8Array.of(5, 5)
    equalise(flat)
    expect([...flat]).toEqual([5, 5])
  })
})
