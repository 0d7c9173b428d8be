import type { SchedulingProblem } from '../../schedule/problem.ts'
import { taskEnergyJ } from '../plan-cost.ts'
import type { PlanningGoal } from '../planner.ts'

/**
 * A problem with all times and energies turned into shares of the cost, so that both add up: what a plan costs is
 * Σ over jobs (done − arrival) + Σ energies.
 */
export interface CostUnits {
  readonly tasks: number
  readonly hosts: number
  readonly jobs: number
  /** Whether time, and whether energy, counts at all. */
  readonly timed: boolean
  readonly powered: boolean
  readonly jobOf: Int32Array
  readonly arrival: Float64Array
  /** `[host]` */
  readonly free: Float64Array
  /** `[task, host]`: times; `execution` is Infinity where the task may not run. */
  readonly execution: Float64Array
  readonly input: Float64Array
  readonly back: Float64Array
  /** `[task, host]`: energy beside that of edges. */
  readonly energy: Float64Array
  /** `[task]`: bits of the hosts on which it may run. */
  readonly allowed: Int32Array
  readonly firstIn: Int32Array
  readonly source: Int32Array
  readonly firstOut: Int32Array
  readonly target: Int32Array
  /** `[edge by source, from, to]`: time of the transfer, energy of it. */
  readonly transfer: Float64Array
  readonly transferEnergy: Float64Array
  /** `[edge by target]`: its number by source. */
  readonly outOf: Int32Array
  /** `[task]`: least time times speed over the hosts; `[host]`: speed, the fastest 1. */
  readonly work: Float64Array
  readonly speed: Float64Array
}

export function costUnits(problem: SchedulingProblem, { weights, reference }: PlanningGoal): CostUnits {
  const { tasks, hosts, jobs, firstIn, source, firstOut, target, outBits, bitS, bitJ, executionS } = problem
  const { latency = 0, energy = 0 } = weights
  const perS = latency > 0 ? latency / reference.latencyS / jobs.length : 0
  const perJ = energy > 0 ? energy / reference.energyJ : 0
  const times = (values: Float64Array, unit: number) =>
    values.map((value) => (value === Infinity ? Infinity : value * unit))
  const execution = times(executionS, perS)
  const { transfer, transferEnergy } = edgeTables(outBits, bitS, bitJ, hosts, perS, perJ)
  const { platform } = problem
  const hertz = [...platform.devices, ...platform.servers].map(({ cyclesPerS }) => cyclesPerS)
  const speed = Float64Array.from(hertz, (value) => value / Math.max(...hertz))
  const allowed = new Int32Array(tasks)
  const work = new Float64Array(tasks).fill(Infinity)
  const node = new Float64Array(tasks * hosts)
  for (let task = 0; task < tasks; task++) {
    for (let host = 0; host < hosts; host++) {
      if (execution[task * hosts + host] === Infinity) continue
      allowed[task]! |= 1 << host
      work[task] = Math.min(work[task]!, execution[task * hosts + host]! * speed[host]!)
      node[task * hosts + host] = perJ > 0 ? perJ * taskEnergyJ(problem, task, host) : 0
    }
  }
  return {
    tasks,
    hosts,
    jobs: jobs.length,
    timed: perS > 0,
    powered: perJ > 0,
    jobOf: problem.jobOf,
    arrival: times(problem.arrivalS, perS),
    free: times(problem.freeAtS, perS),
    execution,
    input: times(problem.inputAtS, perS),
    back: times(problem.returnS, perS),
    energy: node,
    allowed,
    firstIn,
    source,
    firstOut,
    target,
    transfer,
    transferEnergy,
    outOf: bySource(problem),
    work,
    speed,
  }
}

function edgeTables(
  outBits: Float64Array,
  bitS: Float64Array,
  bitJ: Float64Array,
  hosts: number,
  perS: number,
  perJ: number,
): { transfer: Float64Array; transferEnergy: Float64Array } {
  const pairs = hosts * hosts
  const transfer = new Float64Array(outBits.length * pairs)
  const transferEnergy = new Float64Array(outBits.length * pairs)
  for (const [edge, bits] of outBits.entries()) {
    if (bits === 0) continue
    for (let pair = 0; pair < pairs; pair++) {
      const seconds = bits * bitS[pair]!
      transfer[edge * pairs + pair] = seconds === Infinity ? Infinity : seconds * perS
      transferEnergy[edge * pairs + pair] = perJ > 0 && seconds < Infinity ? bits * bitJ[pair]! * perJ : 0
    }
  }
  return { transfer, transferEnergy }
}

/** `turnEdges` numbers edges by source in the order in which targets list them; the same walk finds the numbers again. */
function bySource({ tasks, firstIn, source, firstOut }: SchedulingProblem): Int32Array {
  const next = firstOut.slice()
  const outOf = new Int32Array(source.length)
  for (let edge = 0; edge < firstIn[tasks]!; edge++) outOf[edge] = next[source[edge]!]!++
  return outOf
}
