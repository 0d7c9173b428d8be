import { elasticDemand, firstPrices, nextPrices, utilisationAt } from '@isthmus/edge-server/auction'
import { seededRandom } from '@isthmus/models/data'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'

export const priceFigures: readonly FigureSpec[] = [
  {
    name: 'priceConvergenceRounds',
    meaning:
      'rounds until all classes of resources stay within 0.05 of the target use (mean of 10 rounds), the slowest of 20 starts',
    target: { atMost: 200 },
    kind: 'result',
  },
]

const ROUNDS = 1000
const TARGET = 0.75
const WINDOW = 10

/** Three classes with demand that reacts to price, from prices far off. */
export function measurePrices({ quick, say }: SuiteContext): Part {
  const starts = quick ? 5 : 20
  const rows = []
  for (let seed = 0; seed < starts; seed++) {
    const random = seededRandom(seed)
    const classes = {
      cpu: elasticDemand(5000, 1.2, 4, random),
      accelerator: elasticDemand(1000, 3, 4, random),
      bandwidth: elasticDemand(2000, 1.8, 4, random),
    }
    const names = Object.keys(classes) as (keyof typeof classes)[]
    const options = { least: 0, most: 4, target: TARGET }
    const first = Object.fromEntries(names.map((name) => [name, 4 * random.uniform()]))
    let state = firstPrices(first, options)
    const used: Record<string, number>[] = []
    let settledAt = 0
    for (let round = 0; round < ROUNDS; round++) {
      const now = Object.fromEntries(
        names.map((name) => [name, utilisationAt(classes[name], state.prices[name]!, random)]),
      )
      used.push(now)
      state = nextPrices(state, now, options)
      const window = used.slice(-WINDOW)
      const isNear = names.every((name) => {
        const mean = window.reduce((sum, one) => sum + one[name]!, 0) / window.length
        return Math.abs(mean - TARGET) < 0.05
      })
      if (!isNear) settledAt = round + 1
    }
    rows.push({ seed, first, last: state.prices, rounds: settledAt })
  }
  const slowest = Math.max(...rows.map(({ rounds }) => rounds))
  say(`prices: the slowest of ${starts} starts settles after ${slowest} rounds`)
  return {
    figures: { priceConvergenceRounds: slowest },
    detail: { prices: { rounds: ROUNDS, target: TARGET, windowRounds: WINDOW, rows } },
  }
}
