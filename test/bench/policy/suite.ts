import type { Measurement, Suite, SuiteContext } from '../suite.ts'
import { goldenMaxAbsErr } from './golden.ts'
import { measureTable } from './reference-table.ts'

const FIRST_SEED = 1_000_000

async function measure({ quick, say }: SuiteContext): Promise<Measurement> {
  const episodes = quick ? 100 : 3000
  const table = measureTable(episodes, FIRST_SEED, say)
  return {
    figures: {
      goldenMaxAbsErr: goldenMaxAbsErr(),
      telescopingMaxRelErr: table.telescopingMaxRelErr,
      refTableMaxZ: Math.max(...table.cells.map(({ z }) => z)),
    },
    peers: {},
    detail: { episodes, firstSeed: FIRST_SEED, table: table.cells.map((cell) => ({ ...cell })) },
  }
}

/** Whether the offloading system is the published one, and its rules do there what they did elsewhere. */
export const policySuite: Suite = {
  name: 'policy',
  meaning: "GMORL's system against published rewards and independent means of simple rules",
  figures: [
    {
      name: 'goldenMaxAbsErr',
      meaning: 'worst deviation from the published trajectory and five cases',
      target: { atMost: 1e-8 },
      kind: 'result',
    },
    {
      name: 'telescopingMaxRelErr',
      meaning: 'delay charged in an episode against what its tasks waited, worst',
      target: { atMost: 1e-9 },
      kind: 'result',
    },
    {
      name: 'refTableMaxZ',
      meaning: 'mean sojourn of six rules, 1 to 8 edges, worst deviation in standard errors',
      target: { atMost: 3 },
      kind: 'result',
    },
  ],
  measure,
}
