import type { RandomStream } from '../env/index.ts'
import { policyError } from '../errors.ts'
import { nonDominatedFronts, type Point } from '../pareto/index.ts'

/** What is searched: real genes within bounds, judged by several objectives of which more is better. */
export interface EvolutionProblem {
  readonly low: readonly number[]
  readonly high: readonly number[]
  evaluate(genes: readonly number[]): Point
}

export interface Individual {
  readonly genes: readonly number[]
  readonly point: Point
}

export interface EvolutionOptions {
  /** Individuals, an even number of 4 or more. Default 24. */
  readonly population?: number
  /** Generations after the first, random one. Default 20. */
  readonly generations?: number
}

/** Distribution indices of crossover and mutation, as in the paper. */
const CROSSOVER_INDEX = 15
const MUTATION_INDEX = 20
const CROSSOVER_CHANCE = 0.9

/**
 * NSGA-II (Deb et al. 2002): tournaments by front and crowding distance, simulated binary crossover, polynomial mutation; of
 * parents and children the better half lives on.
 *
 * @param onGeneration told of each population, the first included; it is handed over, not copied
 * @returns the last population. Throws IsthmusError `BAD_OPTION`.
 */
export function evolve(
  problem: EvolutionProblem,
  random: RandomStream,
  { population = 24, generations = 20 }: EvolutionOptions = {},
  onGeneration: (individuals: readonly Individual[]) => void = () => {},
): readonly Individual[] {
  if (!(Number.isInteger(population) && population >= 4 && population % 2 === 0)) {
    throw policyError('BAD_OPTION', `NSGA-II: population is ${population}; it must be even and 4 or more`)
  }
  if (!(Number.isInteger(generations) && generations >= 0)) {
    throw policyError('BAD_OPTION', `NSGA-II: generations is ${generations}; it must be a whole number`)
  }
  const born = (genes: number[]): Individual => ({ genes, point: problem.evaluate(genes) })
  let parents: Ranked[] = rank(
    Array.from({ length: population }, () =>
      born(problem.low.map((low, at) => random.between(low, problem.high[at]!))),
    ),
  )
  onGeneration(parents)
  for (let generation = 0; generation < generations; generation++) {
    const children: Individual[] = []
    while (children.length < population) {
      const pair = cross(
        problem,
        tournament(parents, random).genes,
        tournament(parents, random).genes,
        random,
      )
      for (const genes of pair) children.push(born(mutate(problem, genes, random)))
    }
    parents = rank([...parents, ...children]).slice(0, population)
    onGeneration(parents)
  }
  return parents
}

interface Ranked extends Individual {
  readonly front: number
  /** How far apart the neighbours in the front are: lonely ones are kept. */
  readonly crowding: number
}

/** Front by front, within a front the lonely first. */
function rank(individuals: readonly Individual[]): Ranked[] {
  const points = individuals.map(({ point }) => point)
  return nonDominatedFronts(points).flatMap((members, front) => {
    const crowding = crowdingDistances(members.map((at) => points[at]!))
    return members
      .map((at, k) => ({ ...individuals[at]!, front, crowding: crowding[k]! }))
      .sort((a, b) => b.crowding - a.crowding || 0)
  })
}

function crowdingDistances(points: readonly Point[]): number[] {
  const distances = points.map(() => 0)
  for (let objective = 0; objective < points[0]!.length; objective++) {
    const order = [...points.keys()].sort((a, b) => points[a]![objective]! - points[b]![objective]!)
    const value = (k: number) => points[order[k]!]![objective]!
    const range = value(order.length - 1) - value(0)
    distances[order[0]!] = distances[order.at(-1)!] = Infinity
    if (range === 0) continue
    for (let k = 1; k < order.length - 1; k++) distances[order[k]!]! += (value(k + 1) - value(k - 1)) / range
  }
  return distances
}

function tournament(ranked: readonly Ranked[], random: RandomStream): Ranked {
  const a = ranked[random.below(ranked.length)]!
  const b = ranked[random.below(ranked.length)]!
  if (a.front !== b.front) return a.front < b.front ? a : b
  return a.crowding >= b.crowding ? a : b
}

/** Simulated binary crossover (Deb and Agrawal 1995). */
function cross(
  { low, high }: EvolutionProblem,
  a: readonly number[],
  b: readonly number[],
  random: RandomStream,
): [number[], number[]] {
  const children: [number[], number[]] = [[...a], [...b]]
  if (random.uniform() > CROSSOVER_CHANCE) return children
  for (let at = 0; at < a.length; at++) {
    if (random.uniform() < 0.5) continue
    const u = random.uniform()
    const spread = (u <= 0.5 ? 2 * u : 1 / (2 * (1 - u))) ** (1 / (CROSSOVER_INDEX + 1))
    const middle = (a[at]! + b[at]!) / 2
    const half = (spread * (b[at]! - a[at]!)) / 2
    children[0][at] = within(middle - half, low[at]!, high[at]!)
    children[1][at] = within(middle + half, low[at]!, high[at]!)
  }
  return children
}

/** Polynomial mutation, of one gene in the mean. */
function mutate({ low, high }: EvolutionProblem, genes: number[], random: RandomStream): number[] {
  return genes.map((gene, at) => {
    if (random.uniform() >= 1 / genes.length) return gene
    const u = random.uniform()
    const power = 1 / (MUTATION_INDEX + 1)
    const step = u < 0.5 ? (2 * u) ** power - 1 : 1 - (2 * (1 - u)) ** power
    return within(gene + step * (high[at]! - low[at]!), low[at]!, high[at]!)
  })
}

const within = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))
