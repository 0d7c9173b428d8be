import type { GrowingPlan, Pilot } from '../dag/planners/growing-plan.ts'

/** Version of the rows; a policy reads those that it was trained on. */
export const GRAPH_ROWS = 'graph-rows/1'

/** Numbers of a row. */
export const GRAPH_ROW = 16

/** Ready tasks that are looked at, those of highest upward rank. */
export const READY_TASKS = 3

/** Places of an actor that plans graphs: each of the ready tasks on each host. */
export const graphPlaces = (hosts: number): number => READY_TASKS * hosts

/** What placing each ready task of a graph on each host looks like. */
export interface GraphSight {
  /** `[places, GRAPH_ROW]` */
  readonly rows: Float32Array
  /** `[places]` */
  readonly allowed: Uint8Array
  /** `[places]`: the plan with HEFT for the rest */
  readonly pilots: readonly (Pilot | undefined)[]
}

/** Differences beyond it look alike. */
const MOST = 4
/** A twentieth of the whole counts as 1. */
const FINE = 20

const bounded = (value: number) => Math.max(-MOST, Math.min(MOST, value)) || 0

/**
 * Looks at the placements that could come next. Costs and times are differences to the best placement's, by the size of the
 * whole; the first number is what a placement is on its face, minus the cost with HEFT for the rest.
 */
export function lookAtPlacements(growing: GrowingPlan): GraphSight {
  const { problem, slots } = growing
  const { hosts, executionS, inputAtS, returnS, firstIn, source, firstOut } = problem
  const places = graphPlaces(hosts)
  const pilots: (Pilot | undefined)[] = new Array(places).fill(undefined)
  for (const [at, task] of growing.ready(READY_TASKS).entries()) {
    for (let host = 0; host < hosts; host++) pilots[at * hosts + host] = growing.pilot(task, host)
  }
  const possible = pilots.filter((pilot) => pilot !== undefined)
  const least = Math.min(...possible.map(({ cost }) => cost))
  const wholeS = Math.max(1e-12, workS(growing, possible[0]!))
  const startS = pilots.map((pilot) => (pilot ? slots.earliestStartS(pilot.task, pilot.host) : Infinity))
  const rows = new Float32Array(places * GRAPH_ROW)
  const allowed = new Uint8Array(places)
  const part = (seconds: number) => bounded((FINE * seconds) / wholeS)
  const firstStartS = Math.min(...startS)
  for (const [place, pilot] of pilots.entries()) {
    if (!pilot) continue
    const { task, host } = pilot
    const at = place * GRAPH_ROW
    const first = place - host
    const ownStartS = Math.min(...startS.slice(first, first + hosts))
    let quickestS = Infinity
    for (let other = 0; other < hosts; other++) {
      quickestS = Math.min(quickestS, executionS[task * hosts + other]!)
    }
    const seconds = executionS[task * hosts + host]!
    const before = firstIn[task + 1]! - firstIn[task]!
    let here = 0
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
      if (slots.host[source[edge]!] === host) here++
    }
    let busyS = 0
    for (let one = 0; one < problem.tasks; one++) {
      if (slots.host[one] === host) busyS += executionS[one * hosts + host]!
    }
    allowed[place] = 1
    rows[at] = -bounded((FINE * (pilot.cost - least)) / Math.max(1e-12, least))
    rows[at + 1] = host < problem.firstServer ? 1 : 0
    rows[at + 2] = part(startS[place]! - firstStartS)
    rows[at + 3] = part(startS[place]! - ownStartS)
    rows[at + 4] = part(seconds - quickestS)
    rows[at + 5] = before > 0 ? here / before : 0
    rows[at + 6] = busyS / wholeS
    rows[at + 7] = 1 - growing.left.length / problem.tasks
    rows[at + 8] = bounded((firstOut[task + 1]! - firstOut[task]!) / 4)
    rows[at + 9] = bounded(seconds / Math.max(1e-12, quickestS) - 1)
    rows[at + 10] = pilot.cost <= least * (1 + 1e-9) ? 1 : 0
    rows[at + 11] = part(returnS[task * hosts + host]!)
    rows[at + 12] = part(inputAtS[task * hosts + host]! - problem.arrivalS[problem.jobOf[task]!]!)
    rows[at + 13] = bounded(before / 4)
    rows[at + 14] = first / hosts / READY_TASKS
    rows[at + 15] = part(seconds)
  }
  return { rows, allowed, pilots }
}

/** All work one after the other where a plan has it: enough to tell the size of things by. */
function workS({ problem }: GrowingPlan, { plan }: Pilot): number {
  let sum = 0
  for (let task = 0; task < problem.tasks; task++) {
    sum += problem.executionS[task * problem.hosts + plan.host[task]!]!
  }
  return sum
}
