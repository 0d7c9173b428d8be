import {
  allLocalReference,
  outcomeOf,
  type Planner,
  type SchedulePlan,
  type ScheduleWeights,
  type SchedulingProblem,
  timelineOf,
} from '../dag/index.ts'
import type { LinkEstimate } from '../plan.ts'
import { improvingPlanner } from './improving-planner.ts'
import type { PipelineForm } from './pipeline-graph.ts'
import { DEVICE, EDGE } from './placement-problem.ts'
import type { StageHost } from './remote-groups.ts'

/** How busy a server says it is. */
export interface ServerLoad {
  readonly queued: number
  readonly busy: number
  readonly workers: number
  /** What a request that comes now would wait for a worker, in ms. */
  readonly waitMs: number
}

/** All that a policy may look at. Plain data. */
export interface PipelineObservation {
  readonly nowMs: number
  /** Time that this run has, in ms. */
  readonly deadlineMs: number
  readonly pipeline: PipelineForm
  /** Host 0 is the device, host 1 the server; a host that cannot run a stage, or may not, takes Infinity. */
  readonly problem: SchedulingProblem
  /** Undefined: nothing can be sent. */
  readonly link?: LinkEstimate | undefined
  readonly load?: ServerLoad | undefined
}

/** What a policy returns. */
export interface Placement {
  /** By stage number. */
  readonly hosts: readonly StageHost[]
  /**
   * By stage number, from 0 to 1: of a stage on the server whose rows may be divided the share of rows that goes there; the device runs the
   * rest at the same time. Left out, and of all other stages: all of it.
   */
  readonly shares?: readonly number[]
  /** Expected time of the run, in ms. */
  readonly expectedMs: number
  /** Why, in words for a person. */
  readonly reason: string
}

/** Decides run by run which stage runs where. May hold state, does no I/O. */
export interface PipelinePolicy {
  place(observation: PipelineObservation): Placement
}

export interface PlanningPolicyOptions {
  /** Default: {@link improvingPlanner}. */
  readonly planner?: Planner
  /** Default: latency only. */
  readonly weights?: ScheduleWeights
}

/**
 * The best plan by the cost model of task graphs. A plan that the worst tenth of the link's delays would make late gives way to
 * the device alone when that is in time.
 */
export function planningPolicy({
  planner = improvingPlanner,
  weights = { latency: 1 },
}: PlanningPolicyOptions = {}): PipelinePolicy {
  return {
    place({ problem, deadlineMs, link }) {
      const local = allLocalReference(problem)
      const localMs = local.latencyS * 1000
      const aloneWorks = localMs < Number.POSITIVE_INFINITY
      const reference = aloneWorks ? local : { latencyS: deadlineMs / 1000, energyJ: 1 }
      const plan = planner.plan(problem, { weights, reference })
      const hosts = hostsOf(problem, plan)
      const away = hosts.filter((host) => host === 'edge').length
      const { latencyS } = outcomeOf(problem, plan, timelineOf(problem, plan))
      const { spreadMs = 0, queueMs = 0 } = link ?? {}
      const expectedMs = latencyS * 1000 + (away > 0 ? spreadMs + queueMs : 0)
      if (away === 0) return { hosts, expectedMs, reason: `${planner.name}: the device alone is best` }
      if (aloneWorks && expectedMs > deadlineMs && localMs <= deadlineMs) {
        const why = `with the server ${expectedMs.toFixed(1)} ms would be late`
        return { hosts: hosts.map(() => 'device'), expectedMs: localMs, reason: `${planner.name}: ${why}` }
      }
      const gain = aloneWorks ? `, alone ${localMs.toFixed(1)} ms` : ''
      const what = `${away} of ${hosts.length} stages on the server, ${expectedMs.toFixed(1)} ms`
      return { hosts, expectedMs, reason: `${planner.name}: ${what}${gain}` }
    },
  }
}

function hostsOf({ inGraph, tasks }: SchedulingProblem, { host }: SchedulePlan): StageHost[] {
  const hosts: StageHost[] = Array.from({ length: tasks }, () => 'device')
  for (let task = 0; task < tasks; task++) {
    if (host[task] === EDGE) hosts[inGraph[task]!] = 'edge'
    else if (host[task] !== DEVICE) throw new Error(`the planner names a host ${host[task]}`)
  }
  return hosts
}
