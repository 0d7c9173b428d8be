import { quantile } from '@isthmus/policies'
import { type ExactSolution, solveExactly } from '@isthmus/policies/dag'
import type { Part } from '../part.ts'
import { proportionInterval } from '../statistics.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { type BenchGraph, processorMs, SETS } from './graphs.ts'

export interface SolvedGraph extends BenchGraph {
  readonly solution: ExactSolution
}

export const exactFigures: readonly FigureSpec[] = [
  {
    name: 'bnbOptimalShare',
    meaning: 'graphs of 20 tasks of published shapes whose cheapest plan is proved within 10 s of one core',
    target: { atLeast: 0.99 },
    kind: 'speed',
  },
  {
    name: 'bnbOptimalShareLayered',
    meaning: 'the same of layered graphs',
    target: { about: 0.99 },
    kind: 'speed',
  },
]

/** Solves all graphs; the other parts measure against what is found here. */
export function measureExact(
  graphs: readonly BenchGraph[],
  { quick, say }: SuiteContext,
): { readonly solved: SolvedGraph[]; readonly part: Part } {
  const budgetMs = quick ? 1500 : 10_000
  const times: number[] = []
  const solved = graphs.map((graph) => {
    const startMs = processorMs()
    const solution = solveExactly(graph.problem, graph.goal, { budgetMs, clock: processorMs })
    times.push(processorMs() - startMs)
    if (!solution.optimal) {
      say(`${graph.kind}, seed ${graph.seed}: not proved, bound ${solution.lowerBound} of ${solution.cost}`)
    }
    return { ...graph, solution }
  })
  const kinds = [...new Set(graphs.map(({ kind }) => kind))].map((kind) => {
    const members = [...solved.keys()].filter((at) => solved[at]!.kind === kind)
    const of = (values: readonly number[]) => ({
      p50: quantile(values, 0.5),
      p99: quantile(values, 0.99),
      max: Math.max(...values),
    })
    return {
      kind,
      graphs: members.length,
      proved: members.filter((at) => solved[at]!.solution.optimal).length,
      nodes: of(members.map((at) => solved[at]!.solution.nodes)),
      ms: of(members.map((at) => times[at]!)),
    }
  })
  const sets = SETS.map((set) => {
    const members = solved.filter((graph) => graph.set === set)
    const proved = members.filter(({ solution }) => solution.optimal).length
    const [low, high] = proportionInterval(proved, members.length)
    return { set, graphs: members.length, proved, share: proved / members.length, low, high }
  })
  const unproved = solved
    .filter(({ solution }) => !solution.optimal)
    .map(({ kind, seed, solution }) => ({ kind, seed, boundShare: solution.lowerBound / solution.cost }))
  return {
    solved,
    part: {
      figures: { bnbOptimalShare: sets[0]!.share, bnbOptimalShareLayered: sets[1]!.share },
      detail: { exact: { budgetMs, sets, kinds, unproved } },
    },
  }
}
