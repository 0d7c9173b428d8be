import {
  allLocalReference,
  costOf,
  type Job,
  type Outcome,
  outcomeOf,
  type Platform,
  type SchedulePlan,
  type ScheduleWeights,
  type SchedulingProblem,
  schedulingProblem,
  taskPriorities,
  upwardRank,
} from '../../dag/index.ts'
import { policyError } from '../../errors.ts'
import { RandomStream } from '../random-stream.ts'
import { LEAST_SHARE } from '../rounds/best-share.ts'
import type { OffloadObservation } from '../rounds/offload-observation.ts'
import type { RoundEnvironment, RoundOutcomes } from '../rounds/round-environment.ts'
import { HostQueues } from './host-queues.ts'

export interface DagRoundsOptions {
  /** The hosts of an episode, and the jobs that come to their devices. Chance comes from the stream alone. */
  readonly scenario: (random: RandomStream) => { platform: Platform; jobs: readonly Job[] }
  /** Agents and servers of every scenario. */
  readonly users: number
  readonly servers: number
  /** Seconds of a round. Default 0.02. */
  readonly roundS?: number
  /** Rounds from one publishing of the servers' loads to the next. Default 5. */
  readonly publishEvery?: number
  /** What times are measured by, s. Default 0.25. */
  readonly referenceS?: number
  /** What an outcome costs. Default: latency alone. */
  readonly weights?: ScheduleWeights
}

const DEFAULTS = { roundS: 0.02, publishEvery: 5, referenceS: 0.25, weights: { latency: 1 } }
/** An episode that has not ended after so many rounds has a fault. */
const MOST_ROUNDS = 1e6

/**
 * Graphs of dependent tasks that arrive at several users' devices. In each round every user with a task whose predecessors are
 * done decides where the most urgent one runs; its inputs travel there, and it waits in the host's queue. Servers
 * publish their backlog every few rounds; what a user sent since then it knows, what others sent it does not. Of a task that is divisible a
 * share may go to a server: the rest runs on the user's device, and the task has ended when both have. Shares nearer to 0 or 1 than
 * `LEAST_SHARE` leave it whole.
 */
export class DagRounds implements RoundEnvironment {
  readonly name = 'dag'
  readonly agents: number
  readonly places: number
  readonly acting: Uint8Array
  readonly speaking: Uint8Array
  readonly outcomes: RoundOutcomes = {
    count: 0,
    agent: new Int32Array(0),
    round: new Int32Array(0),
    cost: new Float64Array(0),
  }
  round = 0
  over = true
  problem!: SchedulingProblem
  queues!: HostQueues

  private readonly options: Required<DagRoundsOptions>
  private readonly random = new RandomStream(0)
  private priority: Float64Array = new Float64Array(0)
  private ranks: Float64Array = new Float64Array(0)
  /** `[task]`: predecessors that are not done; moment at which the last was. */
  private waits = new Int32Array(0)
  private readyS = new Float64Array(0)
  private decidedIn = new Int32Array(0)
  private hostOf = new Int32Array(0)
  /** `[task]`: share that runs on `hostOf`; parts that have not ended. */
  private share = new Float64Array(0)
  private partsLeft = new Uint8Array(0)
  private readonly waiting: number[][]
  /** `[agent]`: the task that it decides on, −1: none. */
  readonly choosing: Int32Array
  private running: number[] = []
  private sequence: number[] = []
  private left = 0
  private nextJob = 0
  private readonly publishedS: Float64Array
  private publishedAtS = 0
  /** `[agent, server]`: seconds of work sent that the published loads do not count. */
  private readonly sentS: Float64Array

  /** Throws IsthmusError `BAD_OPTION` that names the field. */
  constructor(options: DagRoundsOptions) {
    this.options = { ...DEFAULTS, ...options }
    const { users, servers, roundS, publishEvery, referenceS } = this.options
    for (const [field, value] of Object.entries({ users, servers, publishEvery })) {
      if (!(Number.isInteger(value) && value >= 1 && value <= 1000)) {
        throw policyError('BAD_OPTION', `dag: ${field} is ${value}; it must be a whole number from 1 to 1000`)
      }
    }
    for (const [field, value] of Object.entries({ roundS, referenceS })) {
      if (!(value > 0 && value < Infinity))
        throw policyError('BAD_OPTION', `dag: ${field} is ${value}; it must be above 0`)
    }
    this.agents = users
    this.places = 1 + servers
    this.acting = new Uint8Array(users)
    this.speaking = new Uint8Array(users)
    this.choosing = new Int32Array(users)
    this.waiting = Array.from({ length: users }, () => [])
    this.publishedS = new Float64Array(servers)
    this.sentS = new Float64Array(users * servers)
  }

  get nowS(): number {
    return this.round * this.options.roundS
  }

  get referenceS(): number {
    return this.options.referenceS
  }

  reset(seed: number): void {
    this.random.seed(seed, 0x646167)
    const { platform, jobs } = this.options.scenario(this.random)
    if (platform.devices.length !== this.agents || platform.servers.length !== this.places - 1) {
      throw policyError(
        'BAD_OPTION',
        `dag: the scenario has ${platform.devices.length} devices and ${platform.servers.length} servers, not ${this.agents} and ${this.places - 1}`,
      )
    }
    const inOrder = jobs.toSorted((a, b) => a.arrivalS - b.arrivalS)
    const problem = schedulingProblem(platform, inOrder)
    this.problem = problem
    this.queues = new HostQueues(problem)
    this.priority = taskPriorities(problem)
    this.ranks = upwardRank(problem)
    this.waits = Int32Array.from(
      { length: problem.tasks },
      (_, task) => problem.firstIn[task + 1]! - problem.firstIn[task]!,
    )
    this.readyS = new Float64Array(problem.tasks)
    this.decidedIn = new Int32Array(problem.tasks).fill(-1)
    this.hostOf = new Int32Array(problem.tasks).fill(-1)
    this.share = new Float64Array(problem.tasks).fill(1)
    this.partsLeft = new Uint8Array(problem.tasks).fill(1)
    for (const queue of this.waiting) queue.length = 0
    this.running = []
    this.sequence = []
    this.left = problem.tasks
    this.nextJob = this.round = this.publishedAtS = 0
    this.publishedS.fill(0)
    this.sentS.fill(0)
    const outcomes = this.outcomes as { -readonly [K in keyof RoundOutcomes]: RoundOutcomes[K] }
    outcomes.count = 0
    outcomes.agent = new Int32Array(problem.tasks)
    outcomes.round = new Int32Array(problem.tasks)
    outcomes.cost = new Float64Array(problem.tasks)
    this.over = this.left === 0
    this.goOn()
  }

  observe(agent: number, into: OffloadObservation): void {
    const task = this.choosing[agent]!
    const { problem, queues, nowS } = this
    const { hosts, firstServer, executionS, executionJ } = problem
    into.deadlineS = this.options.referenceS
    into.deciding = task >= 0
    for (let server = 0; server < this.places - 1; server++) {
      into.sentS[1 + server] = this.sentS[agent * (this.places - 1) + server]!
      into.publishedS[1 + server] = this.publishedS[server]! - (nowS - this.publishedAtS)
    }
    if (task < 0) return
    const local = task * hosts + agent
    into.restS = this.ranks[task]! - executionS[local]!
    into.priority = this.priority[task]!
    into.divisible = problem.divisible[task] === 1
    for (let place = 0; place < this.places; place++) {
      const host = place === 0 ? agent : firstServer + place - 1
      const at = task * hosts + host
      into.allowed[place] = executionS[at]! < Infinity ? 1 : 0
      into.waitS[place] = 0
      into.transferS[place] = this.transferS(task, host)
      into.executionS[place] = executionS[at]!
      into.queueS[place] =
        place === 0
          ? queues.backlogS(agent, nowS) + queues.comingS[agent]!
          : Math.max(0, into.publishedS[place]!) + into.sentS[place]!
      into.sharers[place] = 1
      into.energy[place] = executionJ[local]! > 0 ? executionJ[at]! / executionJ[local]! : 0
    }
  }

  /** Seconds until all that a task needs can be at a host, were it sent now. What a part of it needs takes its share of that. */
  transferS(task: number, host: number): number {
    const { hosts, firstIn, source, inBits, bitS, jobOf, deviceOf, inputAtS, arrivalS } = this.problem
    const job = jobOf[task]!
    const arrival = arrivalS[job]!
    let seconds = inputAtS[task * hosts + host]! - arrival
    if (host === deviceOf[job]) seconds = 0
    for (let edge = firstIn[task]!; edge < firstIn[task + 1]!; edge++) {
      const bits = inBits[edge]!
      if (bits === 0) continue
      const from = source[edge]!
      const share = this.share[from]!
      seconds = Math.max(seconds, share * bits * bitS[this.hostOf[from]! * hosts + host]!)
      if (share < 1) seconds = Math.max(seconds, (1 - share) * bits * bitS[deviceOf[job]! * hosts + host]!)
    }
    return seconds
  }

  step(actions: ArrayLike<number>, shares?: ArrayLike<number>): void {
    if (this.over) throw policyError('EPISODE_OVER', 'dag: the episode is over; call reset()')
    const { hosts, firstServer, executionS } = this.problem
    for (let agent = 0; agent < this.agents; agent++) {
      if (this.acting[agent] === 0) continue
      const place = actions[agent]!
      const task = this.choosing[agent]!
      const host = place === 0 ? agent : firstServer + place - 1
      const known = Number.isInteger(place) && place >= 0 && place < this.places
      if (!known || executionS[task * hosts + host] === Infinity) {
        throw policyError('BAD_ACTION', `dag: user ${agent} cannot run its task at place ${place}`)
      }
      this.send(agent, task, place, host, this.shareOf(agent, task, place, shares?.[agent] ?? 1))
      this.decidedIn[task] = this.round
      this.sequence.push(task)
      const queue = this.waiting[agent]!
      queue.splice(queue.indexOf(task), 1)
    }
    this.outcomes.count = 0
    this.round++
    this.goOn()
  }

  /** How the episode's tasks were run, and what came of it by the measure of every scheduler. Call it when the episode is over. */
  schedule(): { plan: SchedulePlan; outcome: Outcome } {
    const { problem, queues, share } = this
    const whole = { host: this.hostOf, sequence: Int32Array.from(this.sequence) }
    const divided = [...share.keys()].filter((task) => share[task]! < 1)
    if (divided.length === 0) return { plan: whole, outcome: outcomeOf(problem, whole, queues) }
    const plan = { ...whole, share }
    const parts = [...share.keys(), ...divided.map((task) => problem.tasks + task)]
    const ofParts = (moments: Float64Array) => Float64Array.from(parts, (part) => moments[part]!)
    const timeline = { startS: ofParts(queues.startS), finishS: ofParts(queues.finishS) }
    return { plan, outcome: outcomeOf(problem, plan, timeline) }
  }

  /** Mean latency of a job in s, energy of a job in J, imbalance, and the cost by the environment's weights. */
  summary(): { latencyS: number; energyJ: number; imbalance: number; cost: number } {
    const { outcome } = this.schedule()
    const { latencyS, energyJ, imbalance } = outcome
    const cost = costOf(outcome, this.options.weights, allLocalReference(this.problem))
    return { latencyS, energyJ: energyJ / this.problem.jobs.length, imbalance, cost }
  }

  /** The share of its task that an agent sends to a place; 0: none, the task is for the device. */
  private shareOf(agent: number, task: number, place: number, share: number): number {
    if (!(share >= 0 && share <= 1)) {
      throw policyError('BAD_ACTION', `dag: user ${agent}: the share is ${share}, not from 0 to 1`)
    }
    const { divisible, executionS, hosts } = this.problem
    if (place === 0 || divisible[task] === 0 || executionS[task * hosts + agent] === Infinity) return 1
    if (share < LEAST_SHARE) return 0
    return share > 1 - LEAST_SHARE ? 1 : share
  }

  private send(agent: number, task: number, place: number, host: number, share: number): void {
    const { problem, queues, nowS } = this
    const { hosts, executionS, tasks } = problem
    if (share === 0) {
      this.send(agent, task, 0, agent, 1)
      return
    }
    const seconds = share * executionS[task * hosts + host]!
    queues.add(task, host, nowS + share * this.transferS(task, host), seconds)
    this.hostOf[task] = host
    this.share[task] = share
    if (place > 0) this.sentS[agent * (this.places - 1) + place - 1]! += seconds
    if (share === 1) return
    const rest = 1 - share
    const arriveS = nowS + rest * this.transferS(task, agent)
    queues.add(tasks + task, agent, arriveS, rest * executionS[task * hosts + agent]!)
    this.partsLeft[task] = 2
  }

  /** Lets time pass until somebody has something to decide, or all is done. */
  private goOn(): void {
    for (; !this.over; this.round++) {
      if (this.round > MOST_ROUNDS) throw policyError('BAD_OPTION', 'dag: the scenario never ends')
      this.passTo(this.nowS)
      let some = 0
      for (let agent = 0; agent < this.agents; agent++) {
        const task = this.mostUrgent(agent)
        this.choosing[agent] = task
        this.acting[agent] = task >= 0 ? 1 : 0
        this.speaking[agent] = task >= 0 || this.hasSent(agent) ? 1 : 0
        some += this.acting[agent]!
      }
      if (some > 0 || this.over) return
    }
  }

  private passTo(nowS: number): void {
    const { problem, queues } = this
    queues.advance(nowS, (part) => this.running.push(part))
    this.running = this.running.filter((part) => {
      if (queues.finishS[part]! > nowS) return true
      const task = part % problem.tasks
      if (--this.partsLeft[task]! === 0) this.done(task)
      return false
    })
    while (this.nextJob < problem.jobs.length && problem.arrivalS[this.nextJob]! <= nowS)
      this.admit(this.nextJob++)
    if (this.round % this.options.publishEvery === 0) {
      for (let server = 0; server < this.publishedS.length; server++) {
        this.publishedS[server] = queues.backlogS(problem.firstServer + server, nowS)
      }
      this.publishedAtS = nowS
      this.sentS.fill(0)
      // What is still on its way a server does not know of; who sent it does.
      queues.eachComing((part, host, seconds) => {
        const agent = problem.deviceOf[problem.jobOf[part % problem.tasks]!]!
        const server = host - problem.firstServer
        if (server >= 0) this.sentS[agent * this.publishedS.length + server]! += seconds
      })
    }
  }

  private admit(job: number): void {
    const { problem } = this
    for (let task = problem.jobOf.indexOf(job); problem.jobOf[task] === job; task++) {
      if (this.waits[task] === 0) this.release(task, problem.arrivalS[job]!)
    }
  }

  private release(task: number, atS: number): void {
    this.readyS[task] = atS
    this.waiting[this.problem.deviceOf[this.problem.jobOf[task]!]!]!.push(task)
  }

  private done(task: number): void {
    const { problem, queues, outcomes } = this
    const { hosts, firstOut, target, returnS, jobOf, deviceOf, executionJ } = problem
    const share = this.share[task]!
    const rest = share < 1 ? queues.finishS[problem.tasks + task]! : 0
    const finish = Math.max(queues.finishS[task]!, rest)
    const device = deviceOf[jobOf[task]!]!
    const at = task * hosts + this.hostOf[task]!
    const returned = Math.max(queues.finishS[task]! + share * returnS[at]!, rest)
    const { latency = 0, energy = 0 } = this.options.weights
    const localJ = executionJ[task * hosts + device]!
    outcomes.agent[outcomes.count] = device
    outcomes.round[outcomes.count] = this.decidedIn[task]!
    outcomes.cost[outcomes.count++] =
      (latency * (returned - this.readyS[task]!)) / this.options.referenceS +
      (localJ > 0 ? (energy * (share * executionJ[at]! + (1 - share) * localJ)) / localJ : 0)
    for (let edge = firstOut[task]!; edge < firstOut[task + 1]!; edge++) {
      const next = target[edge]!
      this.readyS[next] = Math.max(this.readyS[next]!, finish)
      if (--this.waits[next]! === 0) this.release(next, this.readyS[next]!)
    }
    this.left--
    this.over = this.left === 0
  }

  private hasSent(agent: number): boolean {
    const servers = this.places - 1
    for (let at = agent * servers; at < (agent + 1) * servers; at++) if (this.sentS[at]! > 0) return true
    return false
  }

  private mostUrgent(agent: number): number {
    let best = -1
    for (const task of this.waiting[agent]!) {
      if (best < 0 || this.priority[task]! > this.priority[best]!) best = task
    }
    return best
  }
}
