import {
  allLocalReference,
  type PlanningGoal,
  randomPlatform,
  type SchedulingProblem,
  schedulingProblem,
  TaskGraphGenerator,
} from '../dag/index.ts'
import { GrowingPlan, type Pilot } from '../dag/planners/growing-plan.ts'
import { PlanDescent } from '../dag/planners/local-search.ts'
import type { RandomStream } from '../env/index.ts'
import { optionChecks } from '../option-checks.ts'
import type { Actor } from './actor.ts'
import { GraphAgent } from './graph-agent.ts'
import { GRAPH_ROW, graphPlaces } from './graph-rows.ts'
import type { RoundRecord } from './round-record.ts'

/** Single graphs to plan as a whole: one device, a few servers. */
export interface GraphProblemOptions {
  /** Default 20. */
  readonly tasks?: number | readonly [least: number, most: number]
  /** Default 3. */
  readonly servers?: number
  /** Bounds of the time of a transfer over that of a task, drawn for each graph. Default 0.1 to 2. */
  readonly communicationRatio?: readonly [low: number, high: number]
}

const checks = optionChecks('graph problem')

/** Draws problems of one job. Throws IsthmusError `BAD_OPTION` that names the option. */
export function graphProblems(
  options: GraphProblemOptions = {},
): (random: RandomStream) => SchedulingProblem {
  const { tasks = 20, servers = 3, communicationRatio = [0.1, 2] } = options
  checks.knownOnly('', options, ['tasks', 'servers', 'communicationRatio'])
  checks.integer('servers', servers, 1, 100)
  checks.drawn('communicationRatio', communicationRatio, 1e-6, 1e6)
  return (random) => {
    const ratio = random.between(communicationRatio[0], communicationRatio[1])
    const graph = new TaskGraphGenerator({ tasks, communicationRatio: ratio }).next(random)
    return schedulingProblem(randomPlatform({ devices: 1, servers }, random), [
      { graph, device: 0, arrivalS: 0 },
    ])
  }
}

/** The goal that single graphs are planned for: to be done early. */
export const latencyGoal = (problem: SchedulingProblem): PlanningGoal => ({
  weights: { latency: 1 },
  reference: allLocalReference(problem),
})

/** Plans that the teacher tries to improve each placement's pilot with. */
const TEACHER_EVALUATIONS = 600

/**
 * Plans one graph and writes down all that imitation needs: what each placement looked like, and what a plan costs at least that goes
 * on with it, as far as local search finds; tasks that are placed stay on their hosts.
 *
 * @param acts the actor, or the teacher that takes the cheapest
 */
export function recordGraph(
  problem: SchedulingProblem,
  actor: Actor,
  acts: 'agents' | 'teacher',
  random: RandomStream,
): RoundRecord {
  const goal = latencyGoal(problem)
  const growing = new GrowingPlan(problem, goal)
  const agent = new GraphAgent(actor, problem.hosts)
  const places = graphPlaces(problem.hosts)
  const { tasks } = problem
  const record: RoundRecord = {
    rounds: tasks,
    agents: 1,
    places,
    rows: new Float32Array(tasks * places * GRAPH_ROW),
    acting: new Uint8Array(tasks).fill(1),
    speaking: new Uint8Array(tasks).fill(1),
    allowed: new Uint8Array(tasks * places),
    action: new Uint8Array(tasks),
    cost: new Float32Array(tasks),
    taught: new Float32Array(tasks * places),
  }
  for (let round = 0; !growing.over; round++) {
    const { rows, allowed, pilots, choice } = agent.look(growing)
    const costs = pilots.map((pilot) => (pilot ? reachable(growing, goal, pilot, random) : Infinity))
    const least = Math.min(...costs)
    record.rows.set(rows, round * rows.length)
    record.allowed.set(allowed, round * places)
    for (let place = 0; place < places; place++) {
      record.taught[round * places + place] = Math.min(1e3, costs[place]! / least - 1)
    }
    const taken = acts === 'teacher' ? costs.indexOf(least) : choice
    record.action[round] = taken
    record.cost[round] = record.taught[round * places + taken]!
    growing.place(pilots[taken]!)
  }
  return record
}

function reachable(
  { problem, left }: GrowingPlan,
  goal: PlanningGoal,
  pilot: Pilot,
  random: RandomStream,
): number {
  const movable = Int32Array.from(left.filter((task) => task !== pilot.task))
  const descent = new PlanDescent(problem, goal, { evaluations: TEACHER_EVALUATIONS, movable })
  descent.start(pilot.plan)
  descent.descend()
  if (movable.length > 0) descent.iterate(random)
  return descent.bestCost
}
