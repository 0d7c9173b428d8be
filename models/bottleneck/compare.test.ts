import { describe, expect, it } from 'vitest'
import { bytesAt, codecRatios, frontier, isBeatenEverywhere } from './compare.ts'
import type { WayResult } from './evaluate.ts'
import { curve, reportPage } from './report.ts'

const way = (family: string, bytes: number, agreement: number): WayResult => ({
  name: `${family}-${bytes}`,
  family,
  bytes,
  agreement,
})

const avif = [way('avif', 2000, 0.6), way('avif', 4000, 0.8), way('avif', 5000, 0.75), way('avif', 8000, 0.9)]
const jpeg = [way('jpeg', 4000, 0.6), way('jpeg', 16000, 0.9)]

describe('bytes for the same agreement', () => {
  it('lie between two measured points, on a line in their logarithm', () => {
    expect(bytesAt(avif, 0.8)).toBe(4000)
    expect(bytesAt(avif, 0.7)).toBeCloseTo(Math.sqrt(2000 * 4000), 6)
  })

  it('are not known outside of what was measured', () => {
    expect(bytesAt(avif, 0.95)).toBeUndefined()
    expect(bytesAt(avif, 0.5)).toBeUndefined()
  })

  it('are those of the codec that needs fewest', () => {
    const ratios = codecRatios([...avif, ...jpeg, way('split', 2000, 0.8), way('split', 1000, 0.2)])
    expect(ratios).toHaveLength(1)
    expect(ratios[0]).toMatchObject({ family: 'avif', codecBytes: 4000, ratio: 2 })
  })

  it('leave out what another point of the family beats', () => {
    expect(frontier(avif).map((point) => point.bytes)).toEqual([2000, 4000, 8000])
  })
})

it('a bottleneck that a codec beats at every rate is known as such', () => {
  expect(isBeatenEverywhere([...avif, way('split', 9000, 0.5), way('split', 2000, 0.6)])).toBe(true)
  expect(isBeatenEverywhere([...avif, way('split', 9000, 0.5), way('split', 1900, 0.6)])).toBe(false)
})

describe('the report', () => {
  it('draws a curve of each family, and says every number in a table', () => {
    const ways = [...avif, ...jpeg, way('split', 2000, 0.8)]
    expect(curve(ways).match(/<polyline/g)).toHaveLength(3)
    const page = reportPage({
      title: 'a <b>',
      facts: [['cut', 't<1>']],
      ways,
      ratios: codecRatios(ways),
      photos: 10,
    })
    expect(page).toContain('a &lt;b&gt;')
    expect(page).toContain('t&lt;1&gt;')
    expect(page).toContain('2.00 kB')
    expect(page).toContain('2.00 ×')
  })

  it('says so when there is nothing to compare', () => {
    expect(reportPage({ title: 't', facts: [], ways: jpeg, ratios: [], photos: 1 })).toContain(
      'nothing to compare',
    )
  })
})
