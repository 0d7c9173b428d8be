import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Machine } from './machine.ts'
import { faultsOf, formatFigures, resultOf, resultSchema, writeResult } from './report.ts'
import type { Measurement, Suite } from './suite.ts'

const suite: Suite = {
  name: 'sample',
  meaning: 'a suite for tests',
  figures: [
    { name: 'latencyMs', meaning: 'how long', target: { atMost: 2 }, kind: 'speed' },
    { name: 'accuracy', meaning: 'how right', target: { atLeast: 90 }, kind: 'result' },
    { name: 'vsPeer', meaning: 'how much faster', target: { atLeast: 1 }, kind: 'speed' },
  ],
  measure: () => Promise.reject(new Error('not called here')),
}
const machine: Machine = { cpu: 'abacus', cores: 2, memoryGb: 8, system: 'x', node: 'v20', busyCores: 0 }
const run = { quick: false, date: new Date('2025-01-02T03:04:05Z'), machine }
const measurement = (figures: Measurement['figures'], more: Partial<Measurement> = {}): Measurement => ({
  figures,
  peers: {},
  detail: {},
  ...more,
})
const good = { latencyMs: 1.5, accuracy: 95, vsPeer: 1.2 }

describe('the result of a run', () => {
  it('holds what was measured, where and when, and survives JSON', () => {
    const measured = measurement(good, { detail: { seeds: [1, 2], nothing: undefined } })
    const result = resultOf(suite, measured, run)
    expect(resultSchema.parse(JSON.parse(JSON.stringify(result)))).toEqual(result)
    expect(result).toMatchObject({
      suite: 'sample',
      machine,
      figures: good,
      date: '2025-01-02T03:04:05.000Z',
    })
    expect(result.targets.latencyMs).toEqual({ atMost: 2 })
    expect(result.detail).toEqual({ seeds: [1, 2] })
  })

  it('lists a figure that is no finite number as missing instead of inventing one', () => {
    const result = resultOf(suite, measurement({ latencyMs: Number.NaN, accuracy: 95 }), run)
    expect(result.figures).toEqual({ accuracy: 95 })
    expect(result.missing).toEqual({ latencyMs: 'came out as NaN', vsPeer: 'was not measured' })
  })
})

describe('what fails a run', () => {
  it('nothing, when all targets are reached', () => {
    expect(faultsOf(suite, measurement(good))).toEqual([])
  })

  it('a result that misses its target, but no speed that does', () => {
    const faults = faultsOf(suite, measurement({ latencyMs: 1000, accuracy: 89, vsPeer: 0.1 }))
    expect(faults).toEqual(['accuracy is 89, it must be ≥ 90'])
  })

  it('a figure that is not a finite number, speed or result', () => {
    const faults = faultsOf(
      suite,
      measurement({ ...good, latencyMs: Number.POSITIVE_INFINITY, vsPeer: undefined }),
    )
    expect(faults).toEqual(['latencyMs is Infinity', 'vsPeer is missing'])
  })

  it('not a figure whose peer is not installed', () => {
    const missing = { vsPeer: 'no peer here' }
    expect(faultsOf(suite, measurement({ latencyMs: 1, accuracy: 95 }, { missing }))).toEqual([])
  })

  it('a figure that cannot be had because of what was measured, whatever is said of it', () => {
    const why = 'no mode is as accurate'
    const faults = faultsOf(
      suite,
      measurement({ latencyMs: 1, vsPeer: 2 }, { missing: { accuracy: why }, verdicts: { accuracy: why } }),
    )
    expect(faults).toEqual(['accuracy is missing: no mode is as accurate'])
  })

  it("the suite's own judgement instead of the target, where there is one", () => {
    const below = { ...good, accuracy: 89 }
    expect(faultsOf(suite, measurement(below, { verdicts: { accuracy: null } }))).toEqual([])
    const faults = faultsOf(suite, measurement(good, { verdicts: { accuracy: 'the interval is wrong' } }))
    expect(faults).toEqual(['accuracy is 95: the interval is wrong'])
  })
})

describe('the table', () => {
  it('shows figure, value, target and what is missed or missing', () => {
    const measured = measurement(
      { latencyMs: 2.34567, accuracy: 95 },
      { missing: { vsPeer: 'no peer here' } },
    )
    const [head, latency, accuracy, peer, note] = formatFigures(suite, resultOf(suite, measured, run)).split(
      '\n',
    )
    expect(head).toMatch(/^figure +measured +target/)
    expect(latency).toMatch(/^latencyMs +2\.346 +≤ 2 +missed +how long$/)
    expect(accuracy).toMatch(/^accuracy +95 +≥ 90 +how right$/)
    expect(peer).toMatch(/^vsPeer +- +≥ 1 +missing/)
    expect(note).toBe('vsPeer is missing: no peer here')
  })
})

describe('the file', () => {
  it('is written whole, into folders that need not exist', async () => {
    const folder = join(await mkdtemp(join(tmpdir(), 'isthmus-bench-test-')), 'results')
    const result = resultOf(suite, measurement(good), run)
    await writeResult(join(folder, 'sample.json'), result)
    expect(await readdir(folder)).toEqual(['sample.json'])
    expect(JSON.parse(await readFile(join(folder, 'sample.json'), 'utf8'))).toEqual(result)
  })
})
