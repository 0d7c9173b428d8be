import { describe, expect, it } from 'vitest'
import { generatedTrace, meanRateBps, TraceLink } from './index.ts'

describe('generated traces', () => {
  it('have the mean and the spread that are asked for, and follow from their seed', () => {
    const trace = generatedTrace({ seed: 3, durationS: 40_000, meanBps: 2e6, sigma: 0.6, correlationS: 4 })
    expect(meanRateBps(trace) / 2e6).toBeGreaterThan(0.95)
    expect(meanRateBps(trace) / 2e6).toBeLessThan(1.05)
    const logs = Array.from(trace.rateBps, Math.log)
    const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length
    const about = (lag: number) =>
      logs.slice(lag).reduce((sum, log, at) => sum + (log - mean) * (logs[at]! - mean), 0) /
      (logs.length - lag)
    expect(Math.sqrt(about(0))).toBeCloseTo(0.6, 1)
    expect(about(8) / about(0)).toBeCloseTo(Math.exp(-1), 1)
    const options = { seed: 3, durationS: 10 }
    expect(generatedTrace(options)).toEqual(generatedTrace(options))
    expect(generatedTrace({ ...options, seed: 4 }).rateBps).not.toEqual(generatedTrace(options).rateBps)
    expect(new TraceLink(trace).finishS(0, 1e6)).toBeGreaterThan(0)
  })

  it.each(['durationS', 'stepS', 'meanBps', 'sigma', 'correlationS'])('refuse a bad %s by name', (field) => {
    const make = () => generatedTrace({ seed: 1, [field]: -1 })
    expect(make).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(field) }),
    )
  })
})
