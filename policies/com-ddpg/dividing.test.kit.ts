import {
  type CentralCosts,
  type OffloadObservation,
  RandomStream,
  type RoundEnvironment,
} from '../env/index.ts'

const ROUNDS = 20
const AGENTS = 2
/** What the device costs for a whole task, and a server for one that is divided as it should be. */
const COSTS = { device: 1, divided: 0.1 }
/** Shares that cost least for tasks of little and of great urgency; nothing on a task's face says so. */
const BEST = [0.25, 0.8] as const

/** One server. What a task costs there depends on how far its share is from one that only experience can tell. */
export class Dividing implements RoundEnvironment {
  readonly name = 'dividing'
  readonly agents = AGENTS
  readonly places = 2
  readonly acting = new Uint8Array(AGENTS).fill(1)
  readonly speaking = this.acting
  readonly outcomes = {
    count: 0,
    agent: new Int32Array(AGENTS),
    round: new Int32Array(AGENTS),
    cost: new Float64Array(AGENTS),
  }
  readonly urgent = new Uint8Array(AGENTS)
  round = 0
  private total = 0
  private readonly random = new RandomStream(0)

  get over(): boolean {
    return this.round === ROUNDS
  }

  reset(seed: number): void {
    this.random.seed(seed)
    this.round = this.total = 0
    this.draw()
  }

  observe(agent: number, into: OffloadObservation): void {
    into.divisible = true
    into.priority = this.urgent[agent]!
    into.executionS.fill(0.5)
  }

  costOf(agent: number, place: number, share: number): number {
    return place === 0 ? COSTS.device : COSTS.divided + 3 * (share - this.bestOf(agent)) ** 2
  }

  bestOf(agent: number): number {
    return BEST[this.urgent[agent]!]!
  }

  step(actions: ArrayLike<number>, shares: ArrayLike<number>): void {
    const { outcomes } = this
    outcomes.count = AGENTS
    for (let agent = 0; agent < AGENTS; agent++) {
      outcomes.agent[agent] = agent
      outcomes.round[agent] = this.round
      outcomes.cost[agent] = this.costOf(agent, actions[agent]!, shares[agent]!)
      this.total += outcomes.cost[agent]!
    }
    this.round++
    this.draw()
  }

  summary(): { cost: number } {
    return { cost: this.total / (AGENTS * ROUNDS) }
  }

  private draw(): void {
    for (let agent = 0; agent < AGENTS; agent++) this.urgent[agent] = this.random.below(2)
  }
}

/** Who knows. */
export class DividingCosts implements CentralCosts<Dividing> {
  begin(): void {}

  beginRound(): void {}

  costs(environment: Dividing, agent: number, into: Float64Array, shares?: Float64Array): void {
    const best = environment.bestOf(agent)
    if (shares) shares.set([1, best])
    for (const place of [0, 1]) into[place] = environment.costOf(agent, place, shares ? best : 1)
  }

  take(): void {}
}
