import {
  type BodyFields,
  clockUs32,
  decodeMessage,
  type Envelope,
  encodeMessage,
  type InferRequest,
  IsthmusError,
  isDeviceId,
  isWireErrorCode,
  type Message,
  parseTopic,
  type StagesRequest,
  topic,
  type Verb,
  type WireErrorCode,
  wireError,
  wireErrors,
} from '@isthmus/proto'
import { admit, mayAnswerAt } from './admission.ts'
import type { Catalog, Offer, Refusal } from './catalog.ts'
import { DeviceLedger, type DeviceRecord } from './device-ledger.ts'
import { LeasedFirstQueue } from './leased-first-queue.ts'
import { replyTo, type StageTimes, wireUs } from './replies.ts'
import { StageCatalog, type StagesOffer } from './stage-catalog.ts'
import { packedTails, type TailChoice, type Tails } from './tail-choice.ts'
import { deadlineOf } from './time-left.ts'
import type { Outcome, Work, WorkRunner } from './work.ts'

/** What a request asked for: a tail, a whole network, or stages of a pipeline. */
export type AnsweredRoute = (Offer | StagesOffer)['route']

/** Told of everything that an operator counts. */
export interface DispatchObserver {
  answered(route: AnsweredRoute, stages: StageTimes): void
  /** Stages of a pipeline were run; what each took, by their numbers. */
  ran(pipeline: number, stages: readonly number[], stageMs: readonly number[]): void
  /** A request was answered with an error. */
  refused(device: string, code: WireErrorCode, detail: string): void
  /** A packet could not be read or was of no use. */
  garbage(device: string, code: WireErrorCode, detail: string): void
  /** A device announced a bundle or a pipeline that is not served here. */
  strangeBundle(device: string, bundle: string): void
}

export interface DispatcherOptions {
  readonly site: string
  /** Names this life of the server; every answer carries it. */
  readonly epoch: number
  readonly catalog: Catalog
  readonly pipelines?: StageCatalog
  readonly runner: WorkRunner
  readonly send: (topic: string, packet: Uint8Array<ArrayBuffer>) => void
  readonly observer: DispatchObserver
  /** Monotonic, in milliseconds. */
  readonly clock: () => number
  readonly queue: number
  readonly credits: number
  readonly maxWaitMs: number
  readonly maxMessageBytes: number
  readonly maxDevices: number
  /** Which forms of tails there are. Without it, those of the bundles. */
  readonly tails?: Tails
  /** What devices have bought of this server. Without it, nobody has bought anything. */
  readonly leases?: Leases
  /** Whether a request that names that server, or none, is for this one to answer. Without it, all are. */
  readonly isOurs?: (server: number | undefined) => boolean
}

/** The leases that a dispatcher honours. */
export interface Leases {
  /** Requests that a device may have outstanding by its leases; 0: it has none. */
  creditsOf(device: string): number
  /** That of all leases. */
  readonly credits: number
}

const noLeases: Leases = { creditsOf: () => 0, credits: 0 }
const everyServer = () => true

/** A request that has been let in. */
interface Waiting extends Asked {
  readonly record: DeviceRecord
  readonly route: AnsweredRoute
  readonly work: Work
  readonly deadlineMs: number
  readonly leased: boolean
}

/** What an answer needs to know of its question. */
interface Asked {
  readonly device: string
  readonly envelope: Envelope
  readonly arrivedMs: number
}

const DRAIN_RETRY_MS = 1000

/**
 * Takes messages in and sends answers out: each request that can be read is answered exactly once, with a result or
 * with a typed error. No I/O of its own: clock, sending and computing are handed in.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions
  readonly #queue: LeasedFirstQueue<Waiting>
  readonly #devices: DeviceLedger
  readonly #pipelines: StageCatalog
  #computing = 0
  #sequence = 0
  #draining = false
  /** Mean time of a work in the runner, for saying when to try again. */
  #workMs = 10
  #whenIdle: (() => void) | undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#pipelines = options.pipelines ?? new StageCatalog()
    this.#queue = new LeasedFirstQueue(options.queue)
    this.#devices = new DeviceLedger(options.maxDevices)
    options.runner.onVacancy(() => this.#pump())
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Works handed to the runner and not answered yet. */
  get computing(): number {
    return this.#computing
  }

  /** What a request that comes now would wait for one of so many workers, in ms, as the works lately took. */
  waitMs(workers: number): number {
    const ahead = this.#queue.length + this.#computing + 1 - workers
    return ahead <= 0 ? 0 : (ahead * this.#workMs) / Math.max(1, workers)
  }

  get devicesOnline(): number {
    return this.#devices.online
  }

  get devicesKnown(): number {
    return this.#devices.size
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Takes one message. Never throws; the packet is not kept. */
  receive(topicName: string, packet: Uint8Array, retained = false): void {
    const parts = parseTopic(topicName)
    if (parts?.site !== this.#options.site || !isDeviceId(parts.device)) return
    // A request that a broker has stored is as old as it likes; a cleared retained message is empty.
    if (retained && parts.verb === 'infer') return
    if (packet.length === 0 && parts.verb !== 'infer') return
    const arrivedMs = this.#options.clock()
    const record = this.#devices.touch(parts.device, arrivedMs)
    let message: Message
    try {
      message = decodeMessage(packet, this.#options.maxMessageBytes)
    } catch (error) {
      this.#complain(record, arrivedMs, codeOf(error), reasonOf(error))
      return
    }
    this.#read(parts.verb, message, packet.length, record, arrivedMs)
  }

  /** Answers what has expired while it waited. To be called every few milliseconds while something waits. */
  tick(): void {
    for (const waiting of this.#queue.takeExpired(this.#options.clock())) this.#expire(waiting)
  }

  /** From now on every request is answered DRAINING. Resolves when all that had been let in is answered. */
  drain(): Promise<void> {
    this.#draining = true
    return new Promise((resolve) => {
      this.#whenIdle = resolve
      this.#settleIdle()
    })
  }

  /** Answers DRAINING to all that still waits for a worker. */
  turnAway(): void {
    for (const waiting of this.#queue.takeAll()) {
      this.#release(waiting)
      this.#refuse(waiting, { code: 'DRAINING', detail: '' })
    }
    this.#settleIdle()
  }

  #read(verb: Verb, message: Message, packetBytes: number, record: DeviceRecord, arrivedMs: number): void {
    const { body, envelope } = message
    if (verb === 'infer' && !(this.#options.isOurs ?? everyServer)(envelope.server)) return
    if (verb === 'infer' && (body.kind === 'infer' || body.kind === 'stages')) {
      this.#request(record, message, body, arrivedMs)
    } else if (verb === 'infer' && body.kind === 'probe') {
      this.#probe({ device: record.device, envelope, arrivedMs }, packetBytes)
    } else if (verb === 'birth' && body.kind === 'birth') {
      for (const { key, name, version } of body.pipelines) {
        if (!this.#pipelines.has(key))
          this.#options.observer.strangeBundle(record.device, `${name}@${version}`)
      }
      for (const bundle of body.bundles) {
        if (this.#options.catalog.has(bundle.key)) continue
        this.#options.observer.strangeBundle(record.device, `${bundle.name}@${bundle.version}`)
      }
    } else if (verb === 'state' && body.kind === 'state') {
      record.online = body.presence !== 'offline'
    } else {
      this.#complain(
        record,
        arrivedMs,
        'BAD_MESSAGE',
        `A message of kind ${body.kind} is of no use at ${verb}`,
      )
    }
  }

  #request(
    record: DeviceRecord,
    message: Message,
    request: InferRequest | StagesRequest,
    arrivedMs: number,
  ): void {
    const { site, catalog, credits, maxWaitMs, leases = noLeases, tails = packedTails } = this.#options
    const { envelope, payload } = message
    const asked = { device: record.device, envelope, arrivedMs }
    const deadlineMs = deadlineOf(envelope, arrivedMs, clockUs32(arrivedMs), maxWaitMs)
    const bought = leases.creditsOf(record.device)
    const leased = record.outstanding < bought
    if (this.#queue.isFull(leased, leases.credits)) this.tick()
    // Chosen once: whatever is adopted while it waits, it is answered by the tail that fits its head.
    const tail = request.kind === 'infer' ? tails.behind(request) : undefined
    const verdict = admit({
      site,
      device: record.device,
      envelope,
      request,
      payloadBytes: payload.length,
      replayed: !record.replay.admit(envelope.boot, envelope.id),
      nowMs: arrivedMs,
      deadlineMs,
      draining: this.#draining,
      outstanding: record.outstanding,
      credits: Math.max(credits, bought),
      queueFull: this.#queue.isFull(leased, leases.credits),
      hasTail: tail !== undefined,
      catalog,
      pipelines: this.#pipelines,
    })
    if ('code' in verdict) {
      this.#refuse(asked, verdict)
      return
    }
    record.outstanding++
    // The one copy of the payload: the packet is a view into the connection's buffer.
    const work = workOf(request, verdict, payload.slice() as Work['payload'], deadlineMs, tail)
    this.#queue.push({ ...asked, record, route: verdict.route, work, deadlineMs, leased })
    this.#pump()
  }

  #pump(): void {
    const { runner, clock } = this.#options
    for (let waiting = this.#queue.peek(); waiting !== undefined; waiting = this.#queue.peek()) {
      const isExpired = waiting.deadlineMs <= clock()
      if (!isExpired && !runner.accepts(waiting.work)) return
      this.#queue.pop()
      if (isExpired) {
        this.#expire(waiting)
        continue
      }
      this.#computing++
      const taken = waiting
      runner.run(taken.work).then((outcome) => this.#finish(taken, outcome))
    }
  }

  #finish(waiting: Waiting, outcome: Outcome): void {
    this.#computing--
    this.#release(waiting)
    if (outcome.ok) this.#answer(waiting, outcome)
    else this.#refuse(waiting, outcome)
    this.#pump()
    this.#settleIdle()
  }

  #answer(waiting: Waiting, outcome: Outcome & { ok: true }): void {
    const { observer, epoch, clock } = this.#options
    const { arrivedMs, envelope, work } = waiting
    const moment = { arrivedMs, nowMs: clock(), sentUs: envelope.sentUs, epoch }
    const { body, payload, times, workerMs } = replyTo(work, outcome, moment)
    this.#workMs += 0.1 * (workerMs - this.#workMs)
    try {
      this.#send(waiting, body, payload)
    } catch (error) {
      this.#refuse(waiting, { code: 'TAIL_FAILED', detail: `The result cannot be sent: ${reasonOf(error)}` })
      return
    }
    observer.answered(waiting.route, times)
    if ('stageMs' in outcome && 'stages' in work) observer.ran(work.pipeline, work.stages, outcome.stageMs)
  }

  #expire(waiting: Waiting): void {
    this.#release(waiting)
    this.#refuse(waiting, { code: 'EXPIRED', detail: 'The deadline passed while the request waited' })
    this.#settleIdle()
  }

  #release(waiting: Waiting): void {
    waiting.record.outstanding--
  }

  #settleIdle(): void {
    if (!this.#draining || this.#computing > 0 || this.#queue.length > 0) return
    this.#whenIdle?.()
    this.#whenIdle = undefined
  }

  #refuse(asked: Asked, { code, detail }: Refusal): void {
    this.#sendError(asked, code, detail)
    this.#options.observer.refused(asked.device, code, detail)
  }

  /** Answers what belongs to no request, at a bounded rate for each device. */
  #complain(record: DeviceRecord, arrivedMs: number, code: WireErrorCode, detail: string): void {
    this.#options.observer.garbage(record.device, code, detail)
    if (!record.complaints.take(arrivedMs)) return
    const envelope = { ...nowhere }
    this.#sendError({ device: record.device, envelope, arrivedMs }, code, detail)
  }

  #probe(asked: Asked, probeBytes: number): void {
    if (!mayAnswerAt(this.#options.site, asked.device, asked.envelope.replyTopic)) {
      this.#refuse(asked, { code: 'NOT_ALLOWED', detail: 'A probe names a reply topic that is not its own' })
      return
    }
    this.#send(asked, { kind: 'probeReply', ...this.#echo(asked), probeBytes })
  }

  #sendError(asked: Asked, code: WireErrorCode, detail: string): void {
    const replyTopic = code === 'NOT_ALLOWED' ? '' : asked.envelope.replyTopic
    this.#send(
      { ...asked, envelope: { ...asked.envelope, replyTopic } },
      {
        kind: 'error',
        code: wireErrors[code].number,
        detail: wireError(code, detail).message,
        retryAfterMs: this.#retryAfterMs(code),
        ...this.#echo(asked),
      },
    )
  }

  #echo({ envelope, arrivedMs }: Asked) {
    const { clock, epoch } = this.#options
    const serverUs = wireUs(clock() - arrivedMs)
    return { echoUs: envelope.sentUs, receivedUs: clockUs32(arrivedMs), serverUs, epoch }
  }

  #retryAfterMs(code: WireErrorCode): number {
    if (!wireErrors[code].retryable) return 0
    if (code === 'DRAINING') return DRAIN_RETRY_MS
    return Math.max(1, Math.ceil((this.#queue.length + this.#computing) * this.#workMs))
  }

  #send({ device, envelope }: Asked, body: BodyFields, payload?: Uint8Array): void {
    const { site, epoch, clock, send } = this.#options
    this.#sequence = (this.#sequence + 1) >>> 0
    const head = { id: envelope.id, boot: epoch, sequence: this.#sequence, sentUs: clockUs32(clock()) }
    const packet = encodeMessage({ envelope: head, body }, payload)
    send(envelope.replyTopic === '' ? topic(site, device, 'reply') : envelope.replyTopic, packet)
  }
}

function workOf(
  request: InferRequest | StagesRequest,
  offer: Offer | StagesOffer,
  payload: Work['payload'],
  deadlineMs: number,
  tail: TailChoice | undefined,
): Work {
  if (request.kind === 'infer') {
    const { bundle, mode, scale, zeroPoint, decoders } = request
    const adapted = offer.route === 'split' && tail?.parameters ? { tail } : {}
    // They fit the head as packed: of the latent of another form they would make something else.
    const more = decoders.length > 0 && request.patch === 0 ? { decoders } : {}
    return { bundle, mode, payload, scale, zeroPoint, ...adapted, ...more, deadlineMs }
  }
  const { pipeline, inputs, outputs, rows } = request
  const stages = offer.route === 'stages' ? offer.stages : []
  return { pipeline, stages, inputs, outputs, rows, payload, deadlineMs }
}

/** The envelope of a packet whose own could not be read. */
const nowhere: Envelope = {
  schema: 1,
  id: 0,
  boot: 0,
  sequence: 0,
  budgetUs: 0,
  sentUs: 0,
  receiverUs: undefined,
  replyTopic: '',
  server: undefined,
}

const codeOf = (error: unknown): WireErrorCode =>
  error instanceof IsthmusError && isWireErrorCode(error.code) ? error.code : 'BAD_MESSAGE'

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
