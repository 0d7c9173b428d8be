import type { CentralCosts, OffloadObservation, RoundEnvironment } from '../env/index.ts'

const ROUNDS = 10
/** Cost of a server for one, and for each of two that meet there; of the own device. */
const COSTS = { alone: 0.1, together: 1.5, device: 1 }

/**
 * Two agents and two servers that all look alike: who has one to itself is done at once, two that meet wait for each other. Nothing
 * that one of them sees tells it what the other will do, so that without talk they meet in half of all rounds at best.
 */
export class Crossing implements RoundEnvironment {
  readonly name = 'crossing'
  readonly agents = 2
  readonly places = 3
  readonly acting = Uint8Array.of(1, 1)
  readonly speaking = this.acting
  readonly outcomes = {
    count: 0,
    agent: new Int32Array(2),
    round: new Int32Array(2),
    cost: new Float64Array(2),
  }
  round = 0
  private total = 0

  get over(): boolean {
    return this.round === ROUNDS
  }

  reset(): void {
    this.round = this.total = 0
  }

  observe(_: number, into: OffloadObservation): void {
    into.executionS[0] = COSTS.device
    into.executionS[1] = into.executionS[2] = COSTS.alone
  }

  step(actions: ArrayLike<number>): void {
    const { outcomes } = this
    outcomes.count = 2
    for (let agent = 0; agent < 2; agent++) {
      const meet = actions[0] === actions[1]
      outcomes.agent[agent] = agent
      outcomes.round[agent] = this.round
      outcomes.cost[agent] = actions[agent] === 0 ? COSTS.device : meet ? COSTS.together : COSTS.alone
      this.total += outcomes.cost[agent]!
    }
    this.round++
  }

  summary(): { cost: number } {
    return { cost: this.total / (2 * ROUNDS) }
  }
}

/** Who sees what the agent before has taken. */
export class CrossingCosts implements CentralCosts<Crossing> {
  private readonly taken = new Set<number>()

  begin(): void {}

  beginRound(): void {
    this.taken.clear()
  }

  costs(_: Crossing, __: number, into: Float64Array): void {
    into[0] = COSTS.device
    for (const place of [1, 2]) into[place] = this.taken.has(place) ? COSTS.together : COSTS.alone
  }

  take(_: Crossing, __: number, place: number): void {
    this.taken.add(place)
  }
}
