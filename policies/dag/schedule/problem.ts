import { policyError } from '../../errors.ts'
import { topologicalOrder } from '../graph/topological-order.ts'
import type { Job, Platform } from './platform.ts'

/**
 * Jobs on a platform as flat arrays: what planners and the cost model work on. Hosts are the devices, then the servers. Tasks
 * are numbered job by job, each job's in an order in which none comes before one that it waits for.
 */
export interface SchedulingProblem {
  readonly platform: Platform
  readonly jobs: readonly Job[]
  readonly tasks: number
  readonly hosts: number
  /** Host from which on hosts are servers. */
  readonly firstServer: number
  /** `[task]`: its job, and its index in the job's graph. */
  readonly jobOf: Int32Array
  readonly inGraph: Int32Array
  /** `[task]`, 1: may be divided between a server and its user's device. */
  readonly divisible: Uint8Array
  /** `[job]`: device, arrival. */
  readonly deviceOf: Int32Array
  readonly arrivalS: Float64Array
  /** `[task, host]`: seconds there, Infinity where it may not or cannot run; energy of that, J. */
  readonly executionS: Float64Array
  readonly executionJ: Float64Array
  /** `[task, host]`: first moment at which what it reads from the device can be there, and the energy of sending it, J. */
  readonly inputAtS: Float64Array
  readonly inputJ: Float64Array
  /** `[task, host]`: seconds from its end until the device has its output. */
  readonly returnS: Float64Array
  /** Edges by the task that waits: those of task t are `firstIn[t]` … `firstIn[t + 1]` − 1 of `source` and `inBits`. */
  readonly firstIn: Int32Array
  readonly source: Int32Array
  readonly inBits: Float64Array
  /** The same edges by the task that is waited for, `target` and `outBits`. */
  readonly firstOut: Int32Array
  readonly target: Int32Array
  readonly outBits: Float64Array
  /** `[from, to]`: seconds and J of a bit between two hosts; 0 from a host to itself. */
  readonly bitS: Float64Array
  readonly bitJ: Float64Array
  /** `[host]`: moment until which it is busy with what it already has. */
  readonly freeAtS: Float64Array
}

/**
 * Puts jobs and platform into flat arrays. Graphs are as `checkTaskGraph` gives them.
 *
 * @param freeAtS until when each host is busy with other work, devices first; default: all are free
 * @throws IsthmusError `BAD_PLATFORM` naming the field, `NO_HOST` for a task that no host can run
 */
export function schedulingProblem(
  platform: Platform,
  jobs: readonly Job[],
  freeAtS?: ArrayLike<number>,
): SchedulingProblem {
  checkPlatform(platform)
  const firstServer = platform.devices.length
  const hosts = firstServer + platform.servers.length
  const orders = jobs.map(({ graph }) => topologicalOrder(graph))
  const tasks = orders.reduce((sum, order) => sum + order.length, 0)
  const edges = jobs.reduce(
    (sum, { graph }) => sum + graph.tasks.reduce((count, { after }) => count + (after?.length ?? 0), 0),
    0,
  )
  const problem: SchedulingProblem = {
    platform,
    jobs,
    tasks,
    hosts,
    firstServer,
    jobOf: new Int32Array(tasks),
    inGraph: new Int32Array(tasks),
    divisible: new Uint8Array(tasks),
    deviceOf: Int32Array.from(jobs, ({ device }) => device),
    arrivalS: Float64Array.from(jobs, ({ arrivalS }) => arrivalS),
    executionS: new Float64Array(tasks * hosts),
    executionJ: new Float64Array(tasks * hosts),
    inputAtS: new Float64Array(tasks * hosts),
    inputJ: new Float64Array(tasks * hosts),
    returnS: new Float64Array(tasks * hosts),
    firstIn: new Int32Array(tasks + 1),
    source: new Int32Array(edges),
    inBits: new Float64Array(edges),
    firstOut: new Int32Array(tasks + 1),
    target: new Int32Array(edges),
    outBits: new Float64Array(edges),
    bitS: new Float64Array(hosts * hosts),
    bitJ: new Float64Array(hosts * hosts),
    freeAtS: new Float64Array(hosts),
  }
  if (freeAtS) problem.freeAtS.set(Float64Array.from(freeAtS).subarray(0, hosts))
  for (const [host, free] of problem.freeAtS.entries()) {
    if (!(Math.abs(free) <= LARGEST))
      throw policyError('BAD_PLATFORM', `freeAtS[${host}] is ${free}; it must be finite`)
  }
  writeLinks(problem)
  let task = 0
  let edge = 0
  for (const [job, { graph, device, arrivalS }] of jobs.entries()) {
    if (!(device >= 0 && device < firstServer && Number.isInteger(device))) {
      throw policyError('BAD_PLATFORM', `job ${job}: there is no device ${device}`)
    }
    if (!(Math.abs(arrivalS) <= LARGEST)) {
      throw policyError('BAD_PLATFORM', `job ${job}: arrivalS is ${arrivalS}; it must be finite`)
    }
    const order = orders[job]!
    const number = new Map(order.map((at, position) => [graph.tasks[at]!.id, task + position]))
    for (const at of order) {
      const { after = [], divisible } = graph.tasks[at]!
      problem.jobOf[task] = job
      problem.divisible[task] = divisible ? 1 : 0
      problem.inGraph[task] = at
      for (const { task: id, bits } of after) {
        problem.source[edge] = number.get(id)!
        problem.inBits[edge++] = bits
      }
      problem.firstIn[task + 1] = edge
      writeTask(problem, task, device, arrivalS)
      task++
    }
  }
  turnEdges(problem)
  return problem
}

/** Speeds, rates, powers and moments lie between these (or are 0): products and sums of them stay finite. */
const LEAST = 1e-9
const LARGEST = 1e21

function writeLinks({ platform, hosts, firstServer, bitS, bitJ }: SchedulingProblem): void {
  for (let from = 0; from < hosts; from++) {
    for (let to = 0; to < hosts; to++) {
      if (from === to) continue
      const at = from * hosts + to
      const up = from < firstServer && to >= firstServer
      const down = from >= firstServer && to < firstServer
      const rate = up
        ? platform.uplinkBps[from]![to - firstServer]!
        : down
          ? platform.downlinkBps[to]![from - firstServer]!
          : from >= firstServer
            ? platform.betweenServersBps
            : 0
      bitS[at] = 1 / rate
      bitJ[at] = up ? platform.devices[from]!.transmitW / rate : 0
    }
  }
}

function writeTask(problem: SchedulingProblem, task: number, device: number, arrivalS: number): void {
  const { platform, jobs, hosts, firstServer, bitS, bitJ } = problem
  const {
    id,
    cycles,
    inputBits = 0,
    outputBits = 0,
  } = jobs[problem.jobOf[task]!]!.graph.tasks[problem.inGraph[task]!]!
  let possible = 0
  for (let host = 0; host < hosts; host++) {
    const at = task * hosts + host
    const { cyclesPerS, cycleJ } =
      host < firstServer ? platform.devices[host]! : platform.servers[host - firstServer]!
    const up = device * hosts + host
    const down = host * hosts + device
    const reached = host === device || (host >= firstServer && bitS[up]! < Infinity && bitS[down]! < Infinity)
    problem.executionS[at] = reached ? cycles / cyclesPerS : Infinity
    problem.executionJ[at] = cycles * cycleJ
    problem.inputAtS[at] = arrivalS + (inputBits > 0 ? inputBits * bitS[up]! : 0)
    problem.inputJ[at] = inputBits > 0 ? inputBits * bitJ[up]! : 0
    problem.returnS[at] = outputBits > 0 ? outputBits * bitS[down]! : 0
    if (reached && cycles / cyclesPerS < Infinity) possible++
  }
  if (possible === 0) throw policyError('NO_HOST', `task "${id}": no host can run it`)
}

function turnEdges({ tasks, firstIn, source, inBits, firstOut, target, outBits }: SchedulingProblem): void {
  for (const from of source) firstOut[from + 1]!++
  for (let task = 0; task < tasks; task++) firstOut[task + 1]! += firstOut[task]!
  const next = firstOut.slice()
  for (let task = 0; task < tasks; task++) {
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
      const at = next[source[edge]!]!++
      target[at] = task
      outBits[at] = inBits[edge]!
    }
  }
}

function checkPlatform({ devices, servers, uplinkBps, downlinkBps, betweenServersBps }: Platform): void {
  const fail = (field: string, value: unknown, wanted: string) => {
    throw policyError('BAD_PLATFORM', `platform: ${field} is ${value}; it must be ${wanted}`)
  }
  const positive = (field: string, value: number) => {
    if (!(value >= LEAST && value <= LARGEST)) fail(field, value, `from ${LEAST} to ${LARGEST}`)
  }
  const notNegative = (field: string, value: number) => {
    if (!(value >= 0 && value <= LARGEST)) fail(field, value, `from 0 to ${LARGEST}`)
  }
  const zeroOrPositive = (field: string, value: number) => {
    if (value !== 0) positive(field, value)
  }
  if (devices.length === 0) fail('devices', 'empty', 'at least one device')
  for (const [at, device] of devices.entries()) {
    positive(`devices[${at}].cyclesPerS`, device.cyclesPerS)
    for (const field of ['cycleJ', 'transmitW', 'idleW'] as const) {
      notNegative(`devices[${at}].${field}`, device[field])
    }
    for (const [name, rates] of Object.entries({ uplinkBps, downlinkBps })) {
      if (rates[at]?.length !== servers.length) {
        fail(`${name}[${at}]`, `${rates[at]?.length ?? 'no'} long`, `as long as servers, ${servers.length}`)
      }
      for (const [server, rate] of rates[at]!.entries()) zeroOrPositive(`${name}[${at}][${server}]`, rate)
    }
  }
  for (const [at, server] of servers.entries()) {
    positive(`servers[${at}].cyclesPerS`, server.cyclesPerS)
    notNegative(`servers[${at}].cycleJ`, server.cycleJ)
  }
  if (servers.length > 1) positive('betweenServersBps', betweenServersBps)
}
