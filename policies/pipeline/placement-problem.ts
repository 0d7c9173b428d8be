import { type SchedulingProblem, schedulingProblem, type Task } from '../dag/index.ts'
import { type DevicePower, raspberryPiPower } from '../device-power.ts'
import { policyError } from '../errors.ts'
import type { LinkEstimate } from '../plan.ts'
import { type PipelineForm, pipelineGraph } from './pipeline-graph.ts'
import type { StageHost } from './remote-groups.ts'

/** Hosts of a placement's problem. */
export const DEVICE = 0
export const EDGE = 1

/** What a device knows of itself, its link and its server. Times by stage number, in ms; undefined: it cannot run there. */
export interface PlacementView {
  readonly pipeline: PipelineForm
  readonly deviceMs: readonly (number | undefined)[]
  readonly edgeMs: readonly (number | undefined)[]
  /** Until the device and the server have done what they already have. */
  readonly deviceBusyMs?: number
  readonly edgeWaitMs?: number
  /** Undefined: nothing can be sent. */
  readonly link?: LinkEstimate | undefined
  /** Largest payload of a message. */
  readonly largestBytes?: number
  /** Where the user wants a stage to run, by stage number. */
  readonly fixed?: readonly (StageHost | undefined)[]
  readonly power?: DevicePower
}

/** More than any link carries in an hour: stands for what no message can hold. */
const NEVER_BITS = 1e15
/** No host takes longer than an hour, whatever it says. */
const LONGEST_MS = 3_600_000
const CYCLES_PER_MS = 1e6

/**
 * The choice of a host for each stage as a problem of the graph planners: one device, host 0, and one server, host 1. Times are those
 * measured; half a round trip is added to every transfer, as the bits that the link would carry meanwhile.
 *
 * @throws IsthmusError `NO_HOST` naming a stage that can run nowhere
 */
export function placementProblem(view: PlacementView): SchedulingProblem {
  const { pipeline, deviceMs, edgeMs, deviceBusyMs = 0, edgeWaitMs = 0, link } = view
  const { largestBytes = Number.POSITIVE_INFINITY, fixed = [], power = raspberryPiPower } = view
  const rateBps = link ? Math.min(1e12, Math.max(1, link.rateBps)) : 0
  const halfTripBits = link ? (rateBps * Math.min(LONGEST_MS, Math.max(0, link.rttMs))) / 2000 : 0
  const crossing = (bits: number) =>
    bits === 0 ? 0 : bits > 8 * largestBytes ? NEVER_BITS : bits + halfTripBits
  const graph = pipelineGraph(pipeline)
  const tasks = graph.tasks.map((task, at): Task => {
    const ms = bounded(deviceMs[at] ?? 1)
    return {
      ...task,
      cycles: ms * CYCLES_PER_MS,
      inputBits: crossing(task.inputBits ?? 0),
      outputBits: crossing(task.outputBits ?? 0),
      after: (task.after ?? []).map(({ task, bits }) => ({ task, bits: crossing(bits) })),
    }
  })
  const platform = {
    devices: [
      {
        name: 'device',
        cyclesPerS: CYCLES_PER_MS * 1000,
        cycleJ: power.computeW / (CYCLES_PER_MS * 1000),
        transmitW: power.sendW,
        idleW: power.listenW,
      },
    ],
    servers: [{ name: 'edge', cyclesPerS: CYCLES_PER_MS * 1000, cycleJ: 0 }],
    uplinkBps: [[rateBps]],
    downlinkBps: [[rateBps]],
    betweenServersBps: 1e12,
  }
  const busy = [bounded(deviceBusyMs) / 1000, bounded(edgeWaitMs) / 1000]
  const problem = schedulingProblem(platform, [{ graph: { tasks }, device: 0, arrivalS: 0 }], busy)
  const { executionS, hosts, inGraph } = problem
  for (let task = 0; task < problem.tasks; task++) {
    const at = inGraph[task]!
    const allowed = (host: StageHost) => fixed[at] === undefined || fixed[at] === host
    const own = allowed('device') ? deviceMs[at] : undefined
    const served = link && allowed('edge') ? edgeMs[at] : undefined
    executionS[task * hosts + DEVICE] = own === undefined ? Number.POSITIVE_INFINITY : bounded(own) / 1000
    executionS[task * hosts + EDGE] = served === undefined ? Number.POSITIVE_INFINITY : bounded(served) / 1000
    if (own === undefined && served === undefined) {
      throw policyError('NO_HOST', `stage "${graph.tasks[at]!.id}": neither device nor server can run it.`)
    }
  }
  return problem
}

/** A time that can be reckoned with, whatever somebody says. */
const bounded = (ms: number): number => (ms >= 0 ? Math.max(0.001, Math.min(LONGEST_MS, ms)) : LONGEST_MS)
