import { allFinite, rowsOf, type StageArray, type Wiring } from '@isthmus/models/pipeline'
import { remoteGroups, type StageHost, stageGroup } from '@isthmus/policies/pipeline'
import { IsthmusError } from '@isthmus/proto'
import type { Clock } from '../clock.ts'
import { deviceError } from '../errors.ts'
import type { Reply, ServerRefusal } from '../exchange.ts'
import { type FallbackCode, fallbacks } from '../fallback.ts'
import type { ServerLink } from '../server-link.ts'
import type { PipelineAnswer, StageTensor, StageTime } from './answer.ts'
import { DividedStage, type StagePart, WHOLE } from './divided-stage.ts'
import { type Errand, errandFor, maskOf, partOf, payloadOf, readReply, replyBytesOf } from './errand.ts'
import { KnownTensors } from './known-tensors.ts'
import type { LocalStages } from './local-stages.ts'
import type { ServerStages } from './server-stages.ts'
import type { LaneRun, StageJob, StageLane } from './stage-lane.ts'

/** What all runs of a pipeline share. */
export interface PipelineShop {
  readonly wiring: Wiring
  readonly key: number
  readonly id: string
  readonly clock: Clock
  readonly link: ServerLink | undefined
  readonly lane: StageLane
  readonly local: LocalStages
  readonly server: ServerStages
  readonly hedgeMarginMs: number
}

/** One run to be answered. */
export interface PipelineTask {
  readonly number: number
  /** By tensor number. */
  readonly inputs: readonly StageArray[]
  readonly hosts: readonly StageHost[]
  /** By stage: rows that the server is to run of a stage that is divided; 0: it is not. */
  readonly rows?: readonly number[]
  readonly reason: string
  readonly startMs: number
  readonly deadlineAtMs: number
}

/**
 * The way of one run, from its placement to exactly one answer. Tensors come from the device's own stages and from replies,
 * whichever is first; what is known settles what is still needed, and the run ends when all outputs are there.
 */
export class PipelineRun implements LaneRun {
  readonly answer: Promise<PipelineAnswer>
  readonly readyByMs: number
  readonly #shop: PipelineShop
  readonly #task: PipelineTask
  readonly #known: KnownTensors
  readonly #took = new Map<number, StageTime>()
  readonly #errands: Errand[]
  readonly #errandOf: readonly (Errand | undefined)[]
  readonly #divided = new Map<number, DividedStage>()
  /** Stages that the device could not run. */
  readonly #broken = new Map<number, unknown>()
  readonly #retried = new Set<number>()
  #running: number | undefined
  #hedged = false
  #settled = false
  #timer: unknown
  #fallback: FallbackCode | undefined
  #refusal: ServerRefusal | undefined
  #bytesDown = 0
  #replies = 0
  #resolve!: (answer: PipelineAnswer) => void
  #reject!: (error: unknown) => void

  constructor(shop: PipelineShop, task: PipelineTask) {
    this.#shop = shop
    this.#task = task
    this.readyByMs = task.deadlineAtMs - shop.hedgeMarginMs
    this.#known = new KnownTensors(shop.wiring, task.inputs)
    const { rows = [] } = task
    // A stage that is divided is asked for by itself; to the others it is the device's.
    this.#errands = remoteGroups(
      shop.wiring,
      task.hosts.map((host, stage) => (rows[stage] ? 'device' : host)),
    ).map((group) => errandFor(group))
    for (const [stage, count] of rows.entries()) {
      if (!count) continue
      this.#errands.push(errandFor(stageGroup(shop.wiring, stage), count))
      this.#divided.set(stage, new DividedStage(shop.wiring, stage, count))
    }
    this.#errandOf = task.hosts.map((_, stage) =>
      this.#errands.find(({ group }) => group.stages.includes(stage)),
    )
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  start(): void {
    const { clock, lane } = this.#shop
    lane.add(this)
    const leftMs = Math.max(0, this.#task.deadlineAtMs - clock.now())
    this.#timer = clock.setTimeout(() => this.#onDeadline(), leftMs)
    this.#advance()
  }

  get mayHedge(): boolean {
    return !this.#hedged && this.#errands.some(({ state }) => state === 'waiting' || state === 'asked')
  }

  leftMs(): number {
    let sum = 0
    for (const stage of this.#known.needed) {
      if (!this.#shop.local.has(stage)) continue
      for (const rows of this.#divided.get(stage)?.left ?? [0]) sum += this.#shop.local.longestMs(stage, rows)
    }
    return sum
  }

  hedge(): void {
    this.#hedged = true
  }

  next(): StageJob | undefined {
    if (this.#settled || this.#running !== undefined) return undefined
    const needed = this.#known.needed
    const { wiring, local } = this.#shop
    const stage = wiring.order.find(
      (at) =>
        needed.has(at) &&
        local.has(at) &&
        !this.#broken.has(at) &&
        (this.#isOwn(at) || this.#divided.get(at)?.hasOwn === false) &&
        this.#known.hasAll(wiring.stages[at]!.inputs.map(({ tensor }) => tensor)),
    )
    if (stage === undefined) return undefined
    const part = this.#divided.get(stage)?.next(this.#isOwn(stage)) ?? WHOLE
    const expectedMs = local.longestMs(stage, part.to - part.from)
    return { expectedMs, run: () => this.#runHere(stage, part) }
  }

  /** Whether the device runs a stage without waiting for the server any more. */
  #isOwn(stage: number): boolean {
    return this.#hedged || (this.#errandOf[stage]?.state ?? 'over') === 'over'
  }

  /** Looks what can be done now with what is there. */
  #advance(): void {
    if (this.#settled) return
    if (this.#known.hasAll(this.#shop.wiring.outputs.map(({ tensor }) => tensor))) {
      this.#settle()
      return
    }
    const needed = this.#known.needed
    for (const errand of this.#errands) {
      if (errand.state !== 'waiting') continue
      if (!errand.group.stages.some((stage) => needed.has(stage))) errand.state = 'over'
      else if (this.#known.hasAll(errand.group.inputs)) this.#send(errand)
      if (this.#settled) return
    }
    const dead = this.#shop.wiring.order.find((stage) => needed.has(stage) && this.#isLost(stage))
    if (dead === undefined) this.#shop.lane.pump()
    else this.#giveUp(dead)
  }

  /** Whether neither side can give a stage any more. */
  #isLost(stage: number): boolean {
    const canRun = this.#shop.local.has(stage) && !this.#broken.has(stage)
    if (canRun) return false
    const divided = this.#divided.get(stage)
    if (!divided) return (this.#errandOf[stage]?.state ?? 'over') === 'over'
    const waits = (from: number) =>
      this.#errands.some(
        (errand) => errand.group.stages[0] === stage && errand.from === from && errand.state !== 'over',
      )
    return [0, divided.own.from].some((from) => divided.lacks(from) && !waits(from))
  }

  #send(errand: Errand): void {
    const { link, wiring, clock } = this.#shop
    const { rows } = errand
    const { inputs, outputs } = errand.group
    const reason = this.#whyNot(errand)
    if (!link || reason) {
      this.#fail(errand, reason ?? 'NO_BROKER')
      return
    }
    let payload: readonly Uint8Array[]
    try {
      payload = payloadOf(errand, wiring, this.#known)
    } catch {
      this.#fail(errand, 'UNSENDABLE')
      return
    }
    const { deadlineAtMs } = this.#task
    errand.state = 'asked'
    errand.askedMs = clock.now()
    const ticket = link.ask(
      { stages: maskOf(errand.group), inputs, outputs, rows, payload, deadlineAtMs },
      {
        onReply: (reply) => this.#onReply(errand, reply),
        onFailure: (code, said) => this.#fail(errand, code, said),
      },
    )
    if (typeof ticket === 'string') this.#fail(errand, ticket)
    else errand.ticket = ticket
  }

  /** Why a group cannot be asked for now. */
  #whyNot(errand: Errand): FallbackCode | undefined {
    const { link, wiring } = this.#shop
    if (!link) return 'NO_BROKER'
    const refusal = link.refusal()
    if (refusal) return refusal
    const offer = link.pipelineOffer
    if (errand.group.stages.some((stage) => !offer?.stageUs[stage])) return 'STAGE_MISSING'
    return replyBytesOf(errand, wiring) > link.largestBytes ? 'TOO_LARGE' : undefined
  }

  #onReply(errand: Errand, reply: Reply): void {
    if (this.#settled || errand.state !== 'asked') return
    const { wiring, key, server, clock } = this.#shop
    const { stages, outputs } = errand.group
    const answer = readReply(errand, wiring, key, reply)
    if (!answer) {
      this.#fail(errand, 'BAD_REPLY')
      return
    }
    const { arrays, stageUs } = answer
    errand.state = 'answered'
    this.#bytesDown += reply.bytesDown
    this.#replies++
    const nowMs = clock.now()
    const divided = errand.rows > 0 ? this.#divided.get(stages[0]!) : undefined
    const took = server.add(stages, stageUs, nowMs - errand.askedMs, nowMs, partOf(errand, wiring))
    if (divided) {
      divided.gave(errand.from, outputs, arrays, 'edge', took[0]!)
      this.#join(divided)
      this.#advance()
      return
    }
    const news = outputs.filter((tensor) => !this.#known.has(tensor))
    for (const tensor of news) this.#known.add(tensor, arrays[outputs.indexOf(tensor)]!)
    for (const [at, stage] of stages.entries()) {
      if (news.length > 0) this.#took.set(stage, { id: this.#idOf(stage), host: 'edge', ms: took[at]! })
    }
    this.#advance()
  }

  /** An errand is over without an answer of use: its stages are the device's now. */
  #fail(errand: Errand, code: FallbackCode, refusal?: ServerRefusal): void {
    if (this.#settled || errand.state === 'over' || errand.state === 'answered') return
    errand.state = 'over'
    if (errand.rows > 0 && refusal?.code === 'BAD_SHAPE') this.#shop.server.refuseRows(this.#shop.clock.now())
    this.#fallback ??= code
    this.#refusal ??= refusal
    this.#advance()
  }

  /** One stage on the device. Never rejects. */
  async #runHere(stage: number, { from, to }: StagePart): Promise<void> {
    this.#running = stage
    try {
      const { tensors } = this.#shop.wiring
      const rows = to - from
      const arrayOf = (tensor: number) => {
        const array = this.#known.get(tensor)!
        return rows === 0 ? array : rowsOf(array, tensors[tensor]!, from, to)
      }
      const { outputs, ms } = await this.#shop.local.run(stage, arrayOf, rows)
      const divided = rows > 0 ? this.#divided.get(stage) : undefined
      if (divided) {
        const numbers = this.#shop.wiring.stages[stage]!.outputs.map(({ number }) => number)
        divided.gave(from, numbers, outputs, 'device', ms)
        this.#join(divided)
      }
      for (const [at, { number }] of this.#shop.wiring.stages[stage]!.outputs.entries()) {
        if (divided || this.#known.has(number)) continue
        this.#known.add(number, outputs[at]!)
        this.#took.set(stage, { id: this.#idOf(stage), host: 'device', ms })
      }
    } catch (error) {
      const again = error instanceof IsthmusError && error.retryable && !this.#retried.has(stage)
      if (again) this.#retried.add(stage)
      else {
        this.#broken.set(stage, error)
        this.#askForOwn(stage)
      }
    }
    this.#running = undefined
    // After the deadline nobody else ends the wait for a server that gives what the device has just failed to.
    if (this.#timer === undefined) this.#onDeadline()
    else this.#advance()
  }

  /** The server is asked for the device's rows as well, which the device cannot run. */
  #askForOwn(stage: number): void {
    const divided = this.#divided.get(stage)
    if (!divided || divided.hasOwn || this.#isOwn(stage)) return
    const { from, rows } = divided.own
    this.#errands.push(errandFor(stageGroup(this.#shop.wiring, stage), rows, from))
  }

  /** Both parts of a stage that was divided, where they are there. */
  #join(divided: DividedStage): void {
    const { stage } = divided
    const joined = divided.joined()
    if (!joined) return
    const news = joined.outputs.filter(({ tensor }) => !this.#known.has(tensor))
    for (const { tensor, array } of news) this.#known.add(tensor, array)
    if (news.length > 0) this.#took.set(stage, { id: this.#idOf(stage), ...joined.took })
  }

  #onDeadline(): void {
    this.#timer = undefined
    if (this.#settled) return
    this.#hedged = true
    const lost = [...this.#known.needed].some(
      (stage) => !this.#shop.local.has(stage) || this.#broken.has(stage),
    )
    for (const errand of lost ? this.#errands : []) {
      if (this.#settled) return
      this.#abandon(errand)
      this.#fail(errand, 'NO_REPLY')
    }
    this.#advance()
  }

  #giveUp(stage: number): void {
    const id = this.#idOf(stage)
    const why = this.#fallback ? ` ${fallbacks[this.#fallback]}` : ''
    const said = this.#refusal ? ` It said: ${this.#refusal.detail}` : ''
    const error = this.#broken.get(stage)
    this.#end()
    if (error === undefined)
      this.#reject(deviceError('STAGE_UNAVAILABLE', `No server ran stage '${id}'.${why}${said}`))
    else this.#reject(deviceError('LOCAL_FAILED', `Stage '${id}' gave no result.${why}${said}`, error))
  }

  #settle(): void {
    const { wiring, id, clock } = this.#shop
    const { number, hosts, reason, startMs, deadlineAtMs } = this.#task
    const outputs = wiring.outputs.map(({ name, tensor }) => {
      const { dtype, dims } = wiring.tensors[tensor]!
      return [name, { dtype, dims, data: this.#known.get(tensor)! }] as [string, StageTensor]
    })
    if (!outputs.every(([, { data }]) => allFinite(data))) {
      this.#end()
      this.#reject(deviceError('LOCAL_FAILED', 'An output holds NaN or an infinity.'))
      return
    }
    this.#end()
    const endMs = clock.now()
    const bytesUp = this.#errands.reduce((sum, { ticket }) => sum + (ticket?.bytesUp ?? 0), 0)
    const stood = hosts.some((host, stage) => host === 'edge' && this.#took.get(stage)?.host === 'device')
    this.#resolve({
      run: number,
      outputs: Object.fromEntries(outputs),
      placement: Object.fromEntries(hosts.map((host, stage) => [this.#idOf(stage), host])),
      stages: wiring.order.flatMap((stage) => this.#took.get(stage) ?? []),
      pipeline: id,
      wallMs: endMs - startMs,
      late: endMs > deadlineAtMs,
      bytesUp,
      bytesDown: this.#bytesDown,
      replies: this.#replies,
      reason,
      ...(stood ? { fallback: this.#fallback ?? 'NO_REPLY' } : {}),
      ...(stood && this.#refusal ? { serverError: this.#refusal } : {}),
    })
  }

  #end(): void {
    const { clock, lane } = this.#shop
    this.#settled = true
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer)
    for (const errand of this.#errands) this.#abandon(errand)
    lane.remove(this)
  }

  /** Stops waiting for a reply. */
  #abandon(errand: Errand): void {
    const { state, ticket, group, askedMs } = errand
    const { clock, link, server, wiring } = this.#shop
    if (state !== 'asked' || !ticket) return
    ticket.giveUp()
    const nowMs = clock.now()
    if (ticket.bytesUp === 0) return
    const thereMs = nowMs - askedMs - (link?.estimate?.rttMs ?? 0)
    server.overdue(group.stages, thereMs / partOf(errand, wiring), link?.pipelineOffer, nowMs)
  }

  #idOf(stage: number): string {
    return this.#shop.wiring.stages[stage]!.id
  }
}
