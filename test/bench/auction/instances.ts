import { exactAllocation, greedyAllocation, localSearch, upperBound } from '@isthmus/edge-server/auction'
import { leftOut, type Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { noData, provedInstances, sharedData } from './published-data.ts'

export const instanceFigures: readonly FigureSpec[] = [
  {
    name: 'gapHeuristicMeanPct',
    meaning: 'value of local search on gap1 to gap6 of the OR-Library, % of the proved optimum, mean',
    target: { atLeast: 99 },
    kind: 'result',
  },
  { name: 'gapHeuristicWorstPct', meaning: 'the same, worst', target: { atLeast: 97 }, kind: 'result' },
  {
    name: 'gapExactSolved',
    meaning: 'of these 30 instances, how many exact mode solves and proves within a minute each',
    target: { atLeast: 30 },
    kind: 'result',
  },
]

/** Generalised assignment problems whose optima are proved. */
export async function measureInstances({ quick, say }: SuiteContext): Promise<Part> {
  if (sharedData === undefined)
    return leftOut(
      instanceFigures.map(({ name }) => name),
      noData,
    )
  const instances = provedInstances(sharedData, quick ? 1 : 5)
  const rows = []
  for (const { name, optimum, candidates, packing } of instances) {
    const { value } = localSearch(candidates, packing)
    const greedy = greedyAllocation(candidates, packing).value
    const { bound } = upperBound(candidates, packing, { value })
    // A quick run takes those that the solver proves at once; the full run proves all.
    const isTried = !quick || candidates.starts.length <= 16
    const startMs = performance.now()
    const exact = isTried ? await exactAllocation(candidates, packing, { timeLimitMs: 60_000 }) : undefined
    const row = {
      name,
      optimum,
      greedyPct: (100 * greedy) / optimum,
      heuristicPct: (100 * value) / optimum,
      boundPct: (100 * bound) / optimum,
      isSolved: exact === undefined ? null : exact.isExact && Math.abs(exact.value - optimum) < 1e-6,
      exactMs: exact === undefined ? null : performance.now() - startMs,
    }
    rows.push(row)
    say(`${name}: local search ${row.heuristicPct.toFixed(2)} %, exact ${row.isSolved}`)
  }
  const shares = rows.map(({ heuristicPct }) => heuristicPct)
  const solved = rows.filter(({ isSolved }) => isSolved === true).length
  return {
    figures: {
      gapHeuristicMeanPct: shares.reduce((sum, share) => sum + share, 0) / shares.length,
      gapHeuristicWorstPct: Math.min(...shares),
      gapExactSolved: solved,
    },
    verdicts: {
      gapExactSolved: rows.some(({ isSolved }) => isSolved === false)
        ? 'Not every instance was proved in time'
        : null,
    },
    detail: { gap: { instances: rows.length, rows } },
  }
}
