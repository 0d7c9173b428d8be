import { delayS, type EnvironmentPolicy, energyJ, type MecObservation } from '../env/index.ts'
import { policyError } from '../errors.ts'

/** What {@link ParametrisedGreedy} charges, all in seconds. */
export interface GreedyCharges {
  /** For a joule. */
  readonly joule: number
  /** For a second that the task keeps its server busy: it is in the way of tasks to come. */
  readonly service: number
  /** For the same, once more for each task in the waiting line. */
  readonly waiting: number
}

/**
 * Greedy with fixed charges in place of a preference: exact marginal delay, plus energy at an exchange rate, plus something for
 * the time that the task keeps its server from tasks to come. The weights of a decision do not change what it does.
 */
export class ParametrisedGreedy implements EnvironmentPolicy<MecObservation> {
  readonly name: string
  readonly charges: GreedyCharges
  evaluations = 0

  /** Throws IsthmusError `BAD_OPTION`. */
  constructor(charges: GreedyCharges) {
    for (const [field, value] of Object.entries(charges)) {
      if (!Number.isFinite(value)) {
        throw policyError('BAD_OPTION', `parametrised greedy: ${field} is ${value}, not a finite number`)
      }
    }
    this.charges = charges
    this.name = `greedy, ${charges.joule.toPrecision(3)} s a joule`
  }

  begin(): void {}

  act(observation: MecObservation): number {
    const { servers, taskBits, backlog, queues } = observation
    if (taskBits === 0) return 0
    const { joule, service, waiting } = this.charges
    let best = 0
    let bestCost = Infinity
    for (let server = 0; server < servers; server++) {
      const cost =
        delayS(observation, server) +
        joule * energyJ(observation, server) +
        ((service + waiting * backlog) * taskBits) / queues.speedBps[server]!
      if (cost >= bestCost) continue
      best = server
      bestCost = cost
    }
    this.evaluations += servers
    return best
  }
}
