import {
  type Allocation,
  type BaselineName,
  baselines,
  candidatesOf,
  defaultWeights,
  greedyAllocation,
  jainIndices,
  localSearch,
  mohaf2025Candidates,
  mohaf2025Payments,
  optimalAssignment,
  packingOf,
  upperBound,
} from '@isthmus/edge-server/auction'
import { seededRandom } from '@isthmus/models/data'
import { leftOut, type Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { mohafMarket, noData, sharedData } from './published-data.ts'

export const fixtureFigures: readonly FigureSpec[] = [
  {
    name: 'fixtureUnitGreedy',
    meaning: "utility of greedy on MOHAF's market, one request for each resource; the reference is 824.555",
    target: { atLeast: 824.554 },
    kind: 'result',
  },
  {
    name: 'fixtureUnitExact',
    meaning: 'the same of the best assignment; the reference is 824.746',
    target: { atLeast: 824.745 },
    kind: 'result',
  },
  {
    name: 'fixtureSharedWinners',
    meaning: 'requests served on that market when capacity is shared, by local search; greedy serves 1,915',
    target: { atLeast: 1915 },
    kind: 'result',
  },
  {
    name: 'fixtureSharedValue',
    meaning: 'their utility; greedy reaches 1783.529',
    target: { atLeast: 1783.5 },
    kind: 'result',
  },
  {
    name: 'compat2025Efficiency',
    meaning: 'efficiency as MOHAF published it, with its utility that exceeds 1; the reference is 0.2625',
    target: { atLeast: 0.2625 },
    kind: 'result',
  },
  {
    name: 'compat2025Revenue',
    meaning: 'revenue as MOHAF published it, demand counted twice; the reference is 56.66',
    target: { atLeast: 56.66 },
    kind: 'result',
  },
]

/** What a reference says, within a tolerance: more is as wrong as less. */
const near = (name: string, value: number, reference: number, tolerance: number) => ({
  [name]: Math.abs(value - reference) <= tolerance ? null : `${value} is not ${reference}`,
})

const BASELINES = Object.keys(baselines) as BaselineName[]

/** MOHAF's experiment again: its figures, and every method scored by one utility. */
export function measureFixture({ quick, say }: SuiteContext): Part {
  if (sharedData === undefined)
    return leftOut(
      fixtureFigures.map(({ name }) => name),
      noData,
    )
  const market = mohafMarket(sharedData)
  const candidates = candidatesOf(market, defaultWeights, { zeroDemand: 'admit' })
  const exclusive = packingOf(market, { exclusive: true })
  const shared = packingOf(market)
  const unitGreedy = greedyAllocation(candidates, exclusive)
  const unitExact = optimalAssignment(candidates, market.resources.length)
  say(`one request for each resource: greedy ${unitGreedy.value}, exact ${unitExact.value}`)
  const greedy = greedyAllocation(candidates, shared)
  const searched = localSearch(candidates, shared, {
    start: greedy,
    evaluations: quick ? 1_000_000 : 30_000_000,
  })
  const { bound } = upperBound(candidates, shared, { value: searched.value, steps: quick ? 20 : 100 })
  say(`shared capacity: greedy ${greedy.value}, local search ${searched.value}, bound ${bound}`)
  const pairs = mohaf2025Candidates(market)
  const published = greedyAllocation(pairs, exclusive)
  const paid = mohaf2025Payments(market, pairs, published)
  const efficiency = published.value / market.requests.length
  const served = ({ resource }: Allocation) => resource.filter((place) => place >= 0).length
  const rowOf = (method: string, allocation: Allocation) => ({
    method,
    value: allocation.value,
    winners: served(allocation),
    demand: market.requests.reduce(
      (sum, { demand }, at) => sum + (allocation.resource[at]! >= 0 ? demand[0]! : 0),
      0,
    ),
    jain: { ...jainIndices(market, candidates, allocation) },
  })
  const rowsOf = (packing: typeof shared, ours: readonly [string, Allocation][]) => [
    ...ours.map(([name, allocation]) => rowOf(name, allocation)),
    ...BASELINES.filter((name) => !quick || name === 'random').map((name) =>
      rowOf(name, baselines[name](market, candidates, packing, seededRandom(1))),
    ),
  ]
  return {
    figures: {
      fixtureUnitGreedy: unitGreedy.value,
      fixtureUnitExact: unitExact.value,
      fixtureSharedWinners: served(searched),
      fixtureSharedValue: searched.value,
      compat2025Efficiency: efficiency,
      compat2025Revenue: paid.legacyRevenue,
    },
    verdicts: {
      ...near('fixtureUnitGreedy', unitGreedy.value, 824.555, 0.001),
      ...near('fixtureUnitExact', unitExact.value, 824.746, 0.001),
      ...near('compat2025Efficiency', efficiency, 0.2625, 0.0001),
      ...near('compat2025Revenue', paid.legacyRevenue, 56.66, 0.01),
    },
    detail: {
      fixture: {
        requests: market.requests.length,
        resources: market.resources.length,
        pairs: candidates.utility.length,
        compat2025: { value: published.value, revenueCountedOnce: paid.revenue },
        shared: { upperBound: bound, gap: (bound - searched.value) / bound, greedyWinners: served(greedy) },
        exclusiveRows: rowsOf(exclusive, [
          ['greedy', unitGreedy],
          ['exact', unitExact],
        ]),
        sharedRows: rowsOf(shared, [
          ['greedy', greedy],
          ['local search', searched],
        ]),
      },
    },
  }
}
