import { type CentralCosts, lowest, type RoundEnvironment } from '../env/index.ts'
import type { Actor } from './actor.ts'
import { CHANCE, ROW } from './offload-rows.ts'
import type { RoundRecord } from './round-record.ts'
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
  const central = teacher as CentralCosts | undefined
  const talk = new Talk(actor, environment, options)
  const actions = new Int32Array(agents)
  const costs = new Float64Array(places)
  const rounds: {
    rows: Float32Array
    acting: Uint8Array
    speaking: Uint8Array
    allowed: Uint8Array
    action: Uint8Array
    taught: Float32Array
  }[] = []
  const paid: { agent: number; round: number; cost: number }[] = []
  environment.reset(seed)
  talk.begin(seed)
  central?.begin(environment)
  while (!environment.over) {
    const first = environment.round
    talk.decide(environment, actions)
    const one = {
      rows: new Float32Array(agents * places * ROW),
      acting: environment.acting.slice(),
      speaking: environment.speaking.slice(),
      allowed: new Uint8Array(agents * places),
      action: new Uint8Array(agents),
      taught: new Float32Array(central ? agents * places : 0),
    }
    central?.beginRound(environment)
    for (let agent = 0; agent < agents; agent++) {
      if (one.speaking[agent] === 0) continue
      const { rows, message } = talk.thoughtOf(agent)
      one.rows.set(rows, agent * places * ROW)
      one.allowed.set(message.allowed, agent * places)
      if (one.acting[agent] === 0) continue
      if (central) {
        central.costs(environment, agent, costs)
        for (let place = 1; place < places; place++) costs[place]! += TIE * rows[place * ROW + CHANCE]!
        one.taught.set(costs, agent * places)
        const choice = lowest(costs)
        central.take(environment, agent, choice)
        if (acts === 'teacher') actions[agent] = choice
      }
      one.action[agent] = actions[agent]!
    }
    // Rounds in which nobody acts are passed over by some environments: they are rounds all the same.
    while (rounds.length < first)
      rounds.push({ ...one, acting: new Uint8Array(agents), speaking: new Uint8Array(agents) })
    rounds.push(one)
    environment.step(actions)
    const { count, agent, round, cost } = environment.outcomes
    for (let at = 0; at < count; at++) paid.push({ agent: agent[at]!, round: round[at]!, cost: cost[at]! })
  }
  return joined(rounds, paid, agents, places, central !== undefined)
}

function joined(
  rounds: readonly Omit<RoundRecord, 'rounds' | 'agents' | 'places' | 'cost'>[],
  paid: readonly { agent: number; round: number; cost: number }[],
  agents: number,
  places: number,
  taught: boolean,
): RoundRecord {
  const record: RoundRecord = {
    rounds: rounds.length,
    agents,
    places,
    rows: new Float32Array(rounds.length * agents * places * ROW),
    acting: new Uint8Array(rounds.length * agents),
    speaking: new Uint8Array(rounds.length * agents),
    allowed: new Uint8Array(rounds.length * agents * places),
    action: new Uint8Array(rounds.length * agents),
    cost: new Float32Array(rounds.length * agents),
    taught: new Float32Array(taught ? rounds.length * agents * places : 0),
  }
  for (const [at, one] of rounds.entries()) {
    record.rows.set(one.rows, at * one.rows.length)
    record.acting.set(one.acting, at * agents)
    record.speaking.set(one.speaking, at * agents)
    record.allowed.set(one.allowed, at * one.allowed.length)
    record.action.set(one.action, at * agents)
    record.taught.set(one.taught, at * one.taught.length)
  }
  for (const { agent, round, cost } of paid) record.cost[round * agents + agent]! += cost
  return record
}
