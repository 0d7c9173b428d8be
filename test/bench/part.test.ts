import { describe, expect, it } from 'vitest'
import { joined, leftOut, unreached } from './part.ts'
import { faultsOf, resultOf } from './report.ts'
import type { Suite } from './suite.ts'

const suite: Suite = {
  name: 'sample',
  meaning: 'a suite for tests',
  figures: ['measured', 'unreached', 'leftOut'].map((name) => ({
    name,
    meaning: name,
    target: { atLeast: 1 },
    kind: 'result',
  })),
  measure: () => Promise.reject(new Error('not called here')),
}

describe('parts of a suite', () => {
  const measured = joined([
    { figures: { measured: 2 }, detail: { one: 1 } },
    unreached('unreached', 'no mode is good enough'),
    leftOut(['leftOut'], 'no photos here'),
    { peers: { peer: 3 }, detail: { two: 2 } },
  ])

  it('add up to one measurement', () => {
    expect(measured).toMatchObject({
      figures: { measured: 2 },
      peers: { peer: 3 },
      detail: { one: 1, two: 2 },
    })
  })

  it('tell what could not be reached from what could not be tried: only the first is a fault', () => {
    expect(faultsOf(suite, measured)).toEqual(['unreached is missing: no mode is good enough'])
    const machine = { cpu: 'abacus', cores: 1, memoryGb: 1, system: 'x', node: 'v20', busyCores: 0 }
    const result = resultOf(suite, measured, { quick: false, date: new Date(0), machine })
    expect(result.missing).toEqual({ unreached: 'no mode is good enough', leftOut: 'no photos here' })
  })
})
