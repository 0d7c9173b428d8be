import { type CentralCosts, lowest, type RoundEnvironment } from '../env/index.ts'
import type { Actor } from './actor.ts'
import { CHANCE } from './offload-rows.ts'
import type { DivisionRecord, RoundRecord } from './round-record.ts'
import { Talk, type TalkOptions } from './talk.ts'

export interface RecordOptions extends TalkOptions {
  /** Says what each place costs; its choices are what imitation learns. */
  readonly teacher?: CentralCosts<never>
  /** Who acts. Default: the agents. */
  readonly acts?: 'agents' | 'teacher'
}

/** How much chance counts for a teacher among places that cost the same, in deadlines: agents that hear it can foresee the choice. */
const TIE = 0.01

/** Plays one episode and writes down all that learning needs. */
export function recordEpisode(
  environment: RoundEnvironment,
  actor: Actor,
  seed: number,
  { teacher, acts = 'agents', ...options }: RecordOptions = {},
): RoundRecord {
  const { agents, places } = environment
  const { row, ratio } = actor.shape
  const central = teacher as CentralCosts | undefined
  const talk = new Talk(actor, environment, options)
  const actions = new Int32Array(agents)
  const shares = new Float64Array(agents)
  const costs = new Float64Array(places)
  const best = ratio && new Float64Array(places)
  const rounds: PlayedRound[] = []
  const paid: { agent: number; round: number; cost: number }[] = []
  environment.reset(seed)
  talk.begin(seed)
  central?.begin(environment)
  while (!environment.over) {
    const first = environment.round
    talk.decide(environment, actions, shares.fill(1))
    const one: PlayedRound = {
      rows: new Float32Array(agents * places * row),
      acting: environment.acting.slice(),
      speaking: environment.speaking.slice(),
      allowed: new Uint8Array(agents * places),
      action: new Uint8Array(agents),
      taught: new Float32Array(central ? agents * places : 0),
      ...(ratio && { division: divisionRecord(agents, places, central !== undefined) }),
    }
    central?.beginRound(environment)
    for (let agent = 0; agent < agents; agent++) {
      if (one.speaking[agent] === 0) continue
      const { rows, message } = talk.thoughtOf(agent)
      one.rows.set(rows, agent * places * row)
      one.allowed.set(message.allowed, agent * places)
      if (one.acting[agent] === 0) continue
      if (central) {
        central.costs(environment, agent, costs, best)
        for (let place = 1; place < places; place++) costs[place]! += TIE * rows[place * row + CHANCE]!
        one.taught.set(costs, agent * places)
        const choice = lowest(costs)
        const share = best ? best[choice]! : 1
        central.take(environment, agent, choice, share)
        if (acts === 'teacher') {
          actions[agent] = choice
          shares[agent] = share
        }
        if (best) one.division!.taughtRatios.set(best, agent * places)
      }
      if (one.division) {
        const { divisible, ratios } = talk.divisionOf(agent)
        one.division.divisible[agent] = divisible ? 1 : 0
        one.division.ratios.set(best && acts === 'teacher' ? best : ratios, agent * places)
      }
      one.action[agent] = actions[agent]!
    }
    // Rounds in which nobody acts are passed over by some environments: they are rounds all the same.
    while (rounds.length < first)
      rounds.push({ ...one, acting: new Uint8Array(agents), speaking: new Uint8Array(agents) })
    rounds.push(one)
    environment.step(actions, shares)
    const { count, agent, round, cost } = environment.outcomes
    for (let at = 0; at < count; at++) paid.push({ agent: agent[at]!, round: round[at]!, cost: cost[at]! })
  }
  return joined(rounds, paid, agents, places, central !== undefined)
}

/** What is known of a round before it is known what its decisions cost. */
type PlayedRound = Omit<RoundRecord, 'rounds' | 'agents' | 'places' | 'cost'>

const divisionRecord = (rows: number, places: number, taught: boolean): DivisionRecord => ({
  divisible: new Uint8Array(rows),
  ratios: new Float32Array(rows * places),
  taughtRatios: new Float32Array(taught ? rows * places : 0),
})

function joined(
  rounds: readonly PlayedRound[],
  paid: readonly { agent: number; round: number; cost: number }[],
  agents: number,
  places: number,
  taught: boolean,
): RoundRecord {
  const length = rounds[0]?.rows.length ?? 0
  const record: RoundRecord = {
    rounds: rounds.length,
    agents,
    places,
    rows: new Float32Array(rounds.length * length),
    acting: new Uint8Array(rounds.length * agents),
    speaking: new Uint8Array(rounds.length * agents),
    allowed: new Uint8Array(rounds.length * agents * places),
    action: new Uint8Array(rounds.length * agents),
    cost: new Float32Array(rounds.length * agents),
    taught: new Float32Array(taught ? rounds.length * agents * places : 0),
    ...(rounds[0]?.division && { division: divisionRecord(rounds.length * agents, places, taught) }),
  }
  for (const [at, one] of rounds.entries()) {
    record.rows.set(one.rows, at * one.rows.length)
    record.acting.set(one.acting, at * agents)
    record.speaking.set(one.speaking, at * agents)
    record.allowed.set(one.allowed, at * one.allowed.length)
    record.action.set(one.action, at * agents)
    record.taught.set(one.taught, at * one.taught.length)
    if (!one.division || !record.division) continue
    for (const name of ['divisible', 'ratios', 'taughtRatios'] as const)
      record.division[name].set(one.division[name], at * one.division[name].length)
  }
  for (const { agent, round, cost } of paid) record.cost[round * agents + agent]! += cost
  return record
}
