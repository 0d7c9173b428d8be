import type { Manifest } from '@isthmus/models/bundle'
import type { DevicePower, Policy, Preference } from '@isthmus/policies'
import { StageTimes } from '@isthmus/policies'
import { mergeMap, type Observable, Subject } from 'rxjs'
import type { Adaptation } from './adaptation/adaptation.ts'
import type { Answer } from './answer.ts'
import type { Clock } from './clock.ts'
import type { DeviceStats, Telemetry } from './device-stats.ts'
import type { EarlyExit } from './early-exit.ts'
import { deviceError } from './errors.ts'
import type { FallbackCode } from './fallback.ts'
import { checkFrame, type Frame, type InputShape, inputShape } from './frame.ts'
import type { FrameFilter } from './frame-filter.ts'
import { FramePlanner } from './frame-planner.ts'
import { FrameRun, type Workshop } from './frame-run.ts'
import type { ImageWork } from './images.ts'
import { deadlineOf, type InferOptions } from './infer-options.ts'
import { LatentTasks, type TaskWish } from './latent-tasks.ts'
import { LocalLane } from './local-lane.ts'
import type { BidderCounters, HeldLease } from './market/bidder.ts'
import { edgeWorth } from './market/worth.ts'
import { ModeTable } from './mode-table.ts'
import type { ModelRunner } from './model-runner.ts'
import { Normaliser, TensorPool } from './normalise.ts'
import { checkPreference } from './options.ts'
import type { ServerLink } from './server-link.ts'
import { ServerWait } from './server-wait.ts'
import { skippedAnswer } from './skipped-answer.ts'
import { warmUp } from './warm-up.ts'

/** All that a device is made of; `connectDevice` puts it together. */
export interface DeviceParts {
  readonly id: string
  readonly manifest: Manifest
  readonly bundleKey: number
  readonly local: ModelRunner | undefined
  readonly head: ModelRunner | undefined
  /** The head at a smaller width, where the bundle has one. */
  readonly narrowHead?: ModelRunner | undefined
  readonly filter: FrameFilter | undefined
  readonly exit: EarlyExit | undefined
  readonly images: ImageWork
  readonly link: ServerLink | undefined
  readonly market?: Readonly<BidderCounters> | undefined
  /** The device's part in adaptation, where it takes one. */
  readonly adaptation?: Adaptation | undefined
  readonly policy: Policy
  readonly clock: Clock
  readonly deadlineMs: number
  readonly hedgeMarginMs: number
  readonly preference: Preference
  /** Further tasks that are to be answered, too. */
  readonly tasks?: TaskWish | undefined
  readonly power: DevicePower
  /** Frames that `inferAll` works on at a time. */
  readonly concurrency: number
}

const TICK_MS = 100
const TELEMETRY_MS = 1000

/** Answers frames by their deadline, from the server when that is better, else on its own. */
export class Device {
  readonly id: string
  #preference: Preference
  readonly #parts: DeviceParts
  readonly #shop: Workshop
  readonly #modes: ModeTable
  readonly #planner: FramePlanner
  readonly #shape: InputShape
  readonly #times = new StageTimes({ window: 32 })
  readonly #answers = new Subject<Answer>()
  readonly #telemetry = new Subject<Telemetry>()
  readonly #running = new Set<FrameRun>()
  readonly #serverWait: ServerWait
  #tickTimer: unknown
  #lastTelemetryMs = Number.NEGATIVE_INFINITY
  #closed: Promise<void> | undefined
  #stats = {
    frames: 0,
    answered: { local: 0, split: 0, edge: 0, skip: 0 },
    fallbacks: {} as Partial<Record<FallbackCode, number>>,
    late: 0,
    exits: 0,
    gateFailures: 0,
    failed: 0,
  }

  constructor(parts: DeviceParts) {
    this.id = parts.id
    this.#preference = checkPreference(parts.preference)
    this.#parts = parts
    const { manifest, clock, local, head, narrowHead, filter, exit, link, images } = parts
    const { hedgeMarginMs, bundleKey } = parts
    this.#serverWait = new ServerWait(
      clock,
      () => link !== undefined && link.refusal() === undefined && link.estimate !== undefined,
    )
    this.#modes = new ModeTable(
      manifest,
      { local: local !== undefined, head: head !== undefined, narrowHead: narrowHead !== undefined },
      parts.power,
      filter ? ['preprocess', ...(filter.reads === 'latent' ? ['head'] : []), 'filter'] : [],
    )
    this.#shape = inputShape(manifest)
    const { name, version, labels, output } = manifest
    const count = output.dims.reduce((product, dim) => product * dim, 1)
    this.#shop = {
      clock,
      shape: this.#shape,
      normaliser: new Normaliser(this.#shape),
      pool: new TensorPool(this.#shape.count),
      images,
      local,
      localMode: this.#modes.local?.id ?? 0,
      head,
      narrowHead,
      filter,
      exit,
      observer: parts.adaptation,
      gateFailed: () => {
        this.#stats.gateFailures++
      },
      link,
      times: this.#times,
      lane: new LocalLane(
        clock,
        () => (this.#times.longest('local') ?? 0) + (this.#times.longest('preprocess') ?? 0),
        () => this.#times.upper('timer') ?? 0,
      ),
      hedgeMarginMs,
      bundle: { id: `${name}@${version}`, key: bundleKey, labels },
      output: { count, kind: output.kind },
      tasks: new LatentTasks(manifest.tasks ?? [], parts.tasks ?? { preference: {} }),
    }
    const { policy } = parts
    const { lane } = this.#shop
    this.#planner = new FramePlanner({ policy, modes: this.#modes, times: this.#times, lane, link, clock })
  }

  /** The weights of delay, energy and accuracy; a change counts from the next frame on. */
  get preference(): Preference {
    return this.#preference
  }

  /** Throws BAD_OPTIONS for a weight that is negative or no number, and keeps what was. */
  set preference(preference: Preference) {
    this.#preference = checkPreference(preference)
  }

  /** Which further tasks are answered, too; a change counts from the next frame on. */
  get tasks(): TaskWish {
    return this.#shop.tasks.wish
  }

  /** Throws BAD_OPTIONS for a task that the bundle does not have, impossible weights, and fewer `macs` than any decoders take; keeps what was. */
  set tasks(wish: TaskWish) {
    this.#shop.tasks.wish = wish
  }

  /** The share of a server that this device holds now; undefined: it takes what is left. */
  get lease(): HeldLease | undefined {
    return this.#parts.link?.lease
  }

  /** What a lease would be worth to the user's preference now, as a share of the budget, 0 … 1. */
  get edgeWorth(): number {
    const { link, deadlineMs } = this.#parts
    const modes = this.#modes.estimates(this.#times, 0, link?.estimate, () => true)
    return edgeWorth(modes, this.#preference, deadlineMs, link?.estimate)
  }

  /** Every answer of this device. */
  get answers$(): Observable<Answer> {
    return this.#answers.asObservable()
  }

  /** About once a second what the device knows of itself, its link and its server. */
  get telemetry$(): Observable<Telemetry> {
    return this.#telemetry.asObservable()
  }

  get stats(): DeviceStats {
    const { answered, fallbacks } = this.#stats
    const link = this.#parts.link && { ...this.#parts.link.counters }
    const adaptation = this.#parts.adaptation?.stats
    const { market: counters } = this.#parts
    const market = counters && { ...counters, lost: { ...counters.lost } }
    return {
      ...this.#stats,
      answered: { ...answered },
      fallbacks: { ...fallbacks },
      link,
      market,
      adaptation,
    }
  }

  get #runners(): readonly (ModelRunner | undefined)[] {
    const { local, head, narrowHead, filter, exit } = this.#parts
    return [local, head, narrowHead, filter?.runner, exit?.runner]
  }

  /** Opens and measures the models, then starts connecting. Throws what opening a model throws. */
  async start(): Promise<void> {
    const { local, head, narrowHead, filter, exit, manifest, link, clock } = this.#parts
    await Promise.all(this.#runners.map((runner) => runner?.open()))
    const latentCount = manifest.latent?.dims.reduce((product, dim) => product * dim, 1) ?? 0
    const inputCount = this.#shape.count
    const stages: [string, ModelRunner | undefined, number][] = [
      ['local', local, inputCount],
      ['head', head, inputCount],
      ['narrowHead', narrowHead, inputCount],
      ['filter', filter?.runner, filter?.reads === 'latent' ? latentCount : inputCount],
      ['exit', exit?.runner, latentCount],
    ]
    for (const [stage, model, count] of stages)
      if (model) await warmUp(model, count, clock, (elapsedMs) => this.#times.add(stage, elapsedMs))
    const { adaptation } = this.#parts
    await adaptation?.start()
    if (link && adaptation) {
      link.listen(adaptation.topics)
      link.onPatch = (message) => adaptation.onMessage(message)
    }
    if (link) link.onChange = () => this.#serverWait.look()
    link?.start()
    this.#tick()
  }

  /** Resolves with true when a server can be sent to and the link is measured, with false after `waitMs`. */
  async waitForServer(waitMs: number): Promise<boolean> {
    return this.#parts.link !== undefined && this.#serverWait.wait(waitMs)
  }

  /**
   * Answers one frame. With a local model this resolves by the deadline unless the local model alone is slower than
   * that (then `late` is set). Throws BAD_FRAME, UNKNOWN_MODE, BAD_OPTIONS, CLOSED; LOCAL_FAILED when neither way
   * gives an answer; NO_ANSWER, at the deadline at the latest, when the bundle has no local model.
   */
  async infer(frame: Frame, options: InferOptions = {}): Promise<Answer> {
    const { clock, deadlineMs: usualMs } = this.#parts
    if (this.#closed) throw deviceError('CLOSED', 'The device has been closed.')
    const startMs = clock.now()
    const deadlineMs = deadlineOf(options, usualMs)
    checkFrame(frame, this.#shape)
    const choice = this.#planner.plan(frame, deadlineMs, options, this.#preference)
    const { mode, reason, asked = false, probeLocal = false } = choice
    const number = ++this.#stats.frames
    if (!mode) {
      const answer = skippedAnswer(number, this.#shop.bundle.id, startMs, clock.now(), reason)
      this.#count(answer)
      return answer
    }
    const deadlineAtMs = startMs + deadlineMs
    const task = { number, frame, mode, reason, asked, startMs, deadlineAtMs, probeLocal }
    const leased = this.lease ? (true as const) : undefined
    const run = new FrameRun(this.#shop, task)
    this.#running.add(run)
    run.start()
    try {
      const answer: Answer = leased ? { ...(await run.answer), leased } : await run.answer
      this.#count(answer)
      return answer
    } catch (error) {
      this.#stats.failed++
      throw error
    } finally {
      this.#running.delete(run)
    }
  }

  /**
   * Answers a stream of frames, a few at a time; answers come in the order in which they are ready (`answer.frame`
   * counts the frames). Frames that wait for their turn are held by the stream: let a camera drop what is stale.
   */
  inferAll(frames$: Observable<Frame>, options: InferOptions = {}): Observable<Answer> {
    return frames$.pipe(mergeMap((frame) => this.infer(frame, options), this.#parts.concurrency))
  }

  /** Says goodbye, stops the workers. Frames that wait for the server get their local answer first. */
  close(): Promise<void> {
    this.#closed ??= this.#shutDown()
    return this.#closed
  }

  async #shutDown(): Promise<void> {
    const { clock, link } = this.#parts
    if (this.#tickTimer !== undefined) clock.clearTimeout(this.#tickTimer)
    this.#tickTimer = undefined
    await link?.close()
    this.#serverWait.close()
    await Promise.allSettled([...this.#running].map(({ answer }) => answer))
    await this.#parts.adaptation?.close()
    await Promise.all(this.#runners.map((runner) => runner?.dispose()))
    this.#answers.complete()
    this.#telemetry.complete()
  }

  #count(answer: Answer): void {
    this.#stats.answered[answer.route]++
    if (answer.late) this.#stats.late++
    if (answer.exit) this.#stats.exits++
    const { fallback } = answer
    if (fallback) this.#stats.fallbacks[fallback] = (this.#stats.fallbacks[fallback] ?? 0) + 1
    this.#answers.next(answer)
  }

  #tick(dueMs = this.#parts.clock.now()): void {
    const { clock, link } = this.#parts
    const nowMs = clock.now()
    this.#times.add('timer', nowMs - dueMs)
    link?.tick()
    this.#parts.adaptation?.tick()
    if (this.#telemetry.observed && nowMs - this.#lastTelemetryMs >= TELEMETRY_MS) {
      this.#lastTelemetryMs = nowMs
      this.#telemetry.next(this.#measured())
    }
    this.#tickTimer = clock.setTimeout(() => this.#tick(nowMs + TICK_MS), TICK_MS)
  }

  #measured(): Telemetry {
    const { link } = this.#parts
    const stages = Object.fromEntries(
      this.#times.stages().map((stage) => {
        const upperMs = this.#times.upper(stage) ?? 0
        return [stage, { medianMs: this.#times.median(stage) ?? 0, upperMs }]
      }),
    )
    return {
      connected: link?.connected ?? false,
      refusal: link ? link.refusal() : 'NO_BROKER',
      link: link?.estimate,
      outstanding: link?.outstanding ?? 0,
      drifts: this.#planner.drifts,
      stages,
      stats: this.stats,
    }
  }
}
