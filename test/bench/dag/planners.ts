import { quantile } from '@isthmus/policies'
import { type AgentsNetwork, agentPlanner, initialActor } from '@isthmus/policies/com-ddpg'
import {
  antColony,
  costOfPlan,
  greedy,
  heft,
  localSearch,
  lookaheadHeft,
  type Planner,
  pilotHeft,
  randomPlanner,
} from '@isthmus/policies/dag'
import { RandomStream } from '@isthmus/policies/env'
import { pairedRatioInterval } from '@isthmus/policies/pareto'
import type { Part } from '../part.ts'
import type { FigureSpec, SuiteContext } from '../suite.ts'
import { committedAgents } from './agents.ts'
import type { SolvedGraph } from './exact.ts'
import { processorMs, SETS } from './graphs.ts'

const BUDGET_MS = 50
const PASSES = 8

const gap = (
  name: string,
  who: string,
  target: FigureSpec['target'],
  kind: FigureSpec['kind'],
): FigureSpec => ({
  name,
  meaning: `${who}: mean % above the proved optimum`,
  target,
  kind,
})

export const plannerFigures: readonly FigureSpec[] = [
  gap('heftGapPct', 'HEFT', { about: 3 }, 'result'),
  gap('lookaheadHeftGapPct', 'HEFT that looks one step ahead', { about: 2 }, 'result'),
  gap('pilotHeftGapPct', 'pilot HEFT', { about: 1 }, 'result'),
  gap('greedyGapPct', 'greedy', { about: 4 }, 'result'),
  gap('localSearchGapPct', `iterated local search, ${BUDGET_MS} ms`, { about: 0.5 }, 'speed'),
  gap('acoGapPct', `ant colony, ${BUDGET_MS} ms`, { atMost: 0.5 }, 'speed'),
  gap('policyGapPct', `the trained agent, ${PASSES} passes`, { atMost: 1 }, 'result'),
]

/** Each planner, by the figure of its gap; those without one are told in the detail alone. */
function planners(seed: number, agent: AgentsNetwork): ReadonlyMap<string, Planner> {
  const budget = { budgetMs: BUDGET_MS, clock: processorMs }
  return new Map<string, Planner>([
    ['heftGapPct', heft],
    ['lookaheadHeftGapPct', lookaheadHeft],
    ['pilotHeftGapPct', pilotHeft()],
    ['greedyGapPct', greedy],
    ['localSearchGapPct', localSearch({ ...budget, random: new RandomStream(seed, 1) })],
    ['acoGapPct', antColony({ ...budget, random: new RandomStream(seed, 2) })],
    ['policyGapPct', agentPlanner(agent, { passes: PASSES })],
    ['the trained agent, one pass', agentPlanner(agent)],
    [`the agent before its training, ${PASSES} passes`, agentPlanner(untrained(agent), { passes: PASSES })],
    ['local search to its end', localSearch()],
    ['local search to its end, from pilot HEFT', localSearch({ seed: pilotHeft() })],
    ['local search to its end, from the trained agent', localSearch({ seed: agentPlanner(agent) })],
    ['random', randomPlanner(new RandomStream(seed, 3))],
  ])
}

/** Chooses by what a placement is on its face. */
const untrained = ({ shape }: AgentsNetwork): AgentsNetwork => ({
  shape,
  weights: initialActor(shape, new RandomStream(1)),
})

/** What the tables call those that have a figure. */
const named = (key: string): string =>
  plannerFigures.find(({ name }) => name === key)?.meaning.split(':')[0] ?? key

/** How far planners are above the optimum of graphs where it is proved, all on the same graphs, and how long they take. */
export async function measurePlanners(solved: readonly SolvedGraph[], { say }: SuiteContext): Promise<Part> {
  const agent = await committedAgents('graph')
  const tables = SETS.map((set) => {
    const graphs = solved.filter((graph) => graph.set === set && graph.solution.optimal)
    const { figures, rows } = compare(graphs, agent, say)
    return { set, graphs: graphs.length, figures, rows }
  })
  return {
    figures: tables[0]!.figures,
    detail: { planners: tables.map(({ set, graphs, rows }) => ({ set, graphs, rows })) },
  }
}

function compare(graphs: readonly SolvedGraph[], agent: AgentsNetwork, say: SuiteContext['say']) {
  const ratios = new Map<string, number[]>()
  const times = new Map<string, number[]>()
  // First calls run before the code is compiled: they are not what a service pays.
  for (const { problem, goal } of graphs.slice(0, 8)) {
    for (const planner of planners(0, agent).values()) planner.plan(problem, goal)
  }
  for (const { problem, goal, seed, solution } of graphs) {
    for (const [name, planner] of planners(seed, agent)) {
      const startMs = performance.now()
      const plan = planner.plan(problem, goal)
      listOf(times, name).push(performance.now() - startMs)
      listOf(ratios, name).push(costOfPlan(problem, plan, goal.weights, goal.reference) / solution.cost)
    }
  }
  const figures: Record<string, number> = {}
  const rows = [...ratios].map(([name, values]) => {
    const { ratio, low, high } = pairedRatioInterval(
      values,
      values.map(() => 1),
      (sample) => sample.reduce((sum, value) => sum + value, 0),
      { random: new RandomStream(0) },
    )
    const pct = (value: number) => 100 * (value - 1)
    if (plannerFigures.some((figure) => figure.name === name)) figures[name] = pct(ratio)
    say(`${name}: ${pct(ratio).toFixed(2)} %`)
    return {
      name: named(name),
      gapPct: pct(ratio),
      low: pct(low),
      high: pct(high),
      optimalShare: values.filter((value) => value < 1 + 1e-6).length / values.length,
      gapByKind: byKind(graphs, values.map(pct)),
      ms: { p50: quantile(times.get(name)!, 0.5), p99: quantile(times.get(name)!, 0.99) },
    }
  })
  return { figures, rows }
}

function listOf(lists: Map<string, number[]>, name: string): number[] {
  const list = lists.get(name) ?? []
  lists.set(name, list)
  return list
}

function byKind(graphs: readonly SolvedGraph[], values: readonly number[]): Record<string, number> {
  const kinds = new Map<string, number[]>()
  for (const [at, { kind }] of graphs.entries()) listOf(kinds, kind).push(values[at]!)
  return Object.fromEntries(
    [...kinds].map(([kind, own]) => [kind, own.reduce((sum, value) => sum + value, 0) / own.length]),
  )
}
