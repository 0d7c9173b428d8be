import {
  clearRound,
  defaultWeights,
  type Market,
  type RoundResult,
  randomMarket,
  type Terms,
  termsOf,
  utilityOf,
  type Weights,
} from '@isthmus/edge-server/auction'
import { seededRandom } from '@isthmus/models/data'
import type { Part } from '../part.ts'
import { mean, seedMean } from '../seed-mean.ts'
import type { Detail, FigureSpec, SuiteContext } from '../suite.ts'

export const ablationFigures: readonly FigureSpec[] = [
  {
    name: 'ablationWorstPct',
    meaning:
      'utility by the default weights of rounds that are cleared without one of them, % of those with all, the worst',
    target: { about: 98 },
    kind: 'result',
  },
]

const terms = ['cost', 'qos', 'energy', 'fair'] as const satisfies readonly (keyof Terms)[]
const REQUESTS = 400
const RESOURCES = 20

const settings: Readonly<Record<string, Weights>> = {
  'all four': defaultWeights,
  ...Object.fromEntries(terms.map((term) => [`without ${term}`, { ...defaultWeights, [term]: 0 }])),
  ...Object.fromEntries(
    terms.map((term) => [`${term} alone`, { cost: 0, qos: 0, energy: 0, fair: 0, [term]: 1 }]),
  ),
}

/**
 * What each weight does: rounds cleared by other weights, all scored by the default ones, and what the winners have of each
 * term.
 */
export async function measureAblation({ quick }: SuiteContext): Promise<Part> {
  const seeds = Array.from({ length: quick ? 3 : 20 }, (_, at) => at + 1)
  const markets = seeds.map((seed) => randomMarket(seededRandom(seed, 29), REQUESTS, RESOURCES))
  const rows: { name: string; utility: number[]; detail: Detail }[] = []
  for (const [name, weights] of Object.entries(settings)) {
    const rounds: Outcome[] = []
    for (const market of markets)
      rounds.push(outcomeOf(market, await clearRound(market, { weights, payment: 'none', bound: false })))
    const over = (figure: (outcome: Outcome) => number) => ({ ...seedMean(rounds.map(figure)) })
    const byTerm = terms.map((term) => [term, over((outcome) => outcome[term])])
    const detail = { utility: over(({ utility }) => utility), winners: over(({ winners }) => winners) }
    const utility = rounds.map((outcome) => outcome.utility)
    rows.push({ name, utility, detail: { name, ...detail, ...Object.fromEntries(byTerm) } })
  }
  const [all, ...others] = rows as [(typeof rows)[0], ...typeof rows]
  const without = others.filter(({ name }) => name.startsWith('without'))
  const shares = without.map(({ utility }) =>
    mean(utility.map((value, at) => (100 * value) / all.utility[at]!)),
  )
  return {
    figures: { ablationWorstPct: Math.min(...shares) },
    detail: {
      ablation: { seeds, requests: REQUESTS, resources: RESOURCES, rows: rows.map((row) => row.detail) },
    },
  }
}

/** The winners' sum of utilities by the default weights, their number, and their means of each term. */
interface Outcome extends Terms {
  readonly utility: number
  readonly winners: number
}

function outcomeOf({ requests, resources }: Market, { awards }: RoundResult): Outcome {
  const byId = new Map(requests.map((request) => [request.id, request]))
  const pairs = awards.flatMap(({ request, resource }) => {
    const won = resources.find(({ id }) => id === resource)
    return won ? [[byId.get(request)!, won] as const] : []
  })
  const meanOf = (term: keyof Terms) =>
    mean(pairs.map(([request, resource]) => termsOf(request, resource)[term]))
  return {
    utility: pairs.reduce(
      (sum, [request, resource]) => sum + utilityOf(request, resource, defaultWeights),
      0,
    ),
    winners: pairs.length,
    cost: meanOf('cost'),
    qos: meanOf('qos'),
    energy: meanOf('energy'),
    fair: meanOf('fair'),
  }
}
