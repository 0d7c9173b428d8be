import {
  type EnvironmentPolicy,
  type MecEnvironment,
  type MecObservation,
  RandomStream,
} from '../env/index.ts'
import { policyError } from '../errors.ts'
import { nonDominated, type Point } from '../pareto/index.ts'
import { type EvolutionOptions, evolve, type Individual } from './nsga2.ts'
import { type GreedyCharges, ParametrisedGreedy } from './parametrised-greedy.ts'
import { playEpisodes } from './play-episodes.ts'

export interface EvolvedFrontOptions extends EvolutionOptions {
  readonly environment: MecEnvironment
  /** Episodes that every rule plays in training, by their seeds. */
  readonly firstSeed: number
  readonly episodes: number
  /** Seed of the evolution. Default 0. */
  readonly seed?: number
}

/** One rule of the front and what it came to in training: minus seconds and minus joules a task. */
export interface FrontMember {
  readonly policy: ParametrisedGreedy
  readonly point: Point
}

/** log10 of the charge for a joule; the charges for service and for waiting. */
const LOW = [0, -1, -0.5]
const HIGH = [4.5, 4, 1.5]

const chargesOf = ([joule, service, waiting]: readonly number[]): GreedyCharges => ({
  joule: 10 ** joule!,
  service: service!,
  waiting: waiting!,
})

/**
 * Trains a front of {@link ParametrisedGreedy} rules by NSGA-II on given episodes. Returns all rules that no other one met in
 * the evolution is better than, fastest first.
 *
 * @param onGeneration told of what has been found so far
 */
export function evolveFront(
  { environment, firstSeed, episodes, seed = 0, ...options }: EvolvedFrontOptions,
  onGeneration: (front: readonly FrontMember[]) => void = () => {},
): FrontMember[] {
  if (!(Number.isInteger(episodes) && episodes >= 1)) {
    throw policyError('BAD_OPTION', `NSGA-II: episodes is ${episodes}; it must be a whole number, 1 or more`)
  }
  const evaluate = (genes: readonly number[]): Point => {
    const policy = new ParametrisedGreedy(chargesOf(genes))
    let tasks = 0
    let sojournS = 0
    let energyJ = 0
    // The rules do not look at the preference.
    for (const outcome of playEpisodes(environment, policy, [0.5, 0.5], { firstSeed, episodes })) {
      tasks += outcome.tasks
      sojournS += outcome.sojournS
      energyJ += outcome.energyJ
    }
    return [-sojournS / Math.max(1, tasks), -energyJ / Math.max(1, tasks)]
  }
  let front: readonly Individual[] = []
  evolve({ low: LOW, high: HIGH, evaluate }, new RandomStream(seed, 0x6e736761), options, (population) => {
    front = best([...front, ...population])
    onGeneration(front.map(member))
  })
  return front.map(member)
}

const member = ({ genes, point }: Individual): FrontMember => ({
  policy: new ParametrisedGreedy(chargesOf(genes)),
  point,
})

function best(individuals: readonly Individual[]): Individual[] {
  const byPoint = new Map(individuals.map((individual) => [individual.point, individual]))
  return nonDominated([...byPoint.keys()]).map((point) => byPoint.get(point)!)
}

/** At each decision the rule of a front that was best in training by the preference. */
export class FrontPolicy implements EnvironmentPolicy<MecObservation> {
  readonly name = 'NSGA-II'
  readonly front: readonly FrontMember[]
  evaluations = 0

  /** Throws IsthmusError `BAD_OPTION` for an empty front. */
  constructor(front: readonly FrontMember[]) {
    if (front.length === 0) throw policyError('BAD_OPTION', 'NSGA-II: the front holds no rule; train one')
    this.front = front
  }

  begin(): void {}

  act(observation: MecObservation, weights: ArrayLike<number>): number {
    if (observation.taskBits === 0) return 0
    this.evaluations += observation.servers
    return this.ruleFor(observation, weights).act(observation)
  }

  /** Which rule a preference gets in a system whose rewards are scaled as in `observation`. */
  ruleFor(
    { delayScale, energyScale }: Pick<MecObservation, 'delayScale' | 'energyScale'>,
    weights: ArrayLike<number>,
  ): ParametrisedGreedy {
    let chosen = this.front[0]!
    let bestWorth = -Infinity
    for (const candidate of this.front) {
      const worth =
        weights[0]! * delayScale * candidate.point[0]! + weights[1]! * energyScale * candidate.point[1]!
      if (worth <= bestWorth) continue
      chosen = candidate
      bestWorth = worth
    }
    return chosen.policy
  }
}
