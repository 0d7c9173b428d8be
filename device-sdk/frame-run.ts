import type { HeadRole, Mode } from '@isthmus/models/bundle'
import { quantize } from '@isthmus/models/codec'
import type { AnswerObserver } from './adaptation/observer.ts'
import type { Answer, Stages } from './answer.ts'
import type { EarlyExit } from './early-exit.ts'
import { deviceError } from './errors.ts'
import type { InferQuestion, Reply, ReplyHandlers, ServerRefusal, Ticket } from './exchange.ts'
import { type FallbackCode, fallbacks } from './fallback.ts'
import type { Frame } from './frame.ts'
import type { FrameFilter } from './frame-filter.ts'
import { readReply } from './frame-reply.ts'
import { FrameTensors, type TensorWork } from './frame-tensors.ts'
import { allFinite, bestGuesses } from './guesses.ts'
import type { LatentTasks } from './latent-tasks.ts'
import { AS_PACKED, type ModelVersion } from './loaded-model.ts'
import type { LocalLane } from './local-lane.ts'
import { stageNames } from './mode-table.ts'
import type { ModelRunner } from './model-runner.ts'
import type { ServerLink } from './server-link.ts'
import { StageLog } from './stage-log.ts'

/** What all frames of a device share. */
export interface Workshop extends TensorWork {
  readonly local: ModelRunner | undefined
  readonly localMode: number
  readonly filter: FrameFilter | undefined
  readonly exit: EarlyExit | undefined
  /** Told of answers, where the device takes part in adaptation. */
  readonly observer: AnswerObserver | undefined
  /** Told when filter or exit could not judge a frame. */
  readonly gateFailed: () => void
  readonly link: ServerLink | undefined
  readonly lane: LocalLane<FrameRun>
  readonly hedgeMarginMs: number
  readonly bundle: { readonly id: string; readonly key: number; readonly labels: readonly string[] }
  readonly output: { readonly count: number; readonly kind: 'logits' | 'probabilities' }
  readonly tasks: LatentTasks
}

/** One frame to be answered. */
export interface Task {
  readonly number: number
  readonly frame: Frame
  readonly mode: Mode
  readonly reason: string
  /** The caller chose the mode: the frame is neither filtered nor answered by the exit while the server may answer. */
  readonly asked: boolean
  readonly startMs: number
  readonly deadlineAtMs: number
  /** The local network runs while the reply is on its way, to be measured. */
  readonly probeLocal?: boolean
}

/** A frame made ready to be sent. */
type Coded = Omit<InferQuestion, 'mode' | 'deadlineAtMs'> & {
  /** When coding began. */
  readonly startMs: number
}

/** What one way of answering adds to the answer. */
type Outcome = Omit<
  Answer,
  'frame' | 'top' | 'bundle' | 'reason' | 'wallMs' | 'late' | 'stages' | 'modelVersion' | 'modelEpoch'
> &
  Partial<Pick<Answer, 'reason'>> & {
    /** The form of the model that answered; left out: as packed. */
    readonly version?: ModelVersion
  }

/** A local answer that is ready waits for the reply until this long before the deadline. */
const RELEASE_MS = 2

/**
 * The way of one frame, from the plan to exactly one answer. The remote way and the local hedge run side by side;
 * whichever is there first within its rules settles the frame, and everything after that is ignored.
 */
export class FrameRun implements ReplyHandlers {
  readonly answer: Promise<Answer>
  readonly #shop: Workshop
  readonly #task: Task
  readonly #log = new StageLog()
  #resolve!: (answer: Answer) => void
  #reject!: (error: unknown) => void
  #settled = false
  #timer: unknown
  readonly #tensors: FrameTensors
  /** Of further tasks, as they were wished when the frame came. */
  readonly #decoders: readonly number[]
  /** Those of them that were asked for the frame. */
  #asked: readonly number[] = []
  #interest: number | undefined
  /** What the exit says, when the answer may be that. */
  #exitOutput: Float32Array | undefined
  #ticket: Ticket | undefined
  #remoteOver: boolean
  #fallback: FallbackCode | undefined
  #refusal: ServerRefusal | undefined
  #localStarted = false
  #localOutput: Float32Array | undefined
  #localVersion = AS_PACKED
  #localError: unknown

  constructor(shop: Workshop, task: Task) {
    this.#shop = shop
    this.#task = task
    this.#tensors = new FrameTensors(shop, task.frame, this.#log)
    this.#decoders = shop.tasks.decoders
    this.#remoteOver = task.mode.route === 'local'
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  start(): void {
    const { mode, asked, deadlineAtMs } = this.#task
    const { local, lane, filter, hedgeMarginMs } = this.#shop
    const filters = asked ? undefined : filter
    if (mode.route === 'local' && !filters) {
      this.#wantLocal()
      return
    }
    if (local) lane.hedge(this, deadlineAtMs - hedgeMarginMs)
    else this.#at(deadlineAtMs, () => this.#fail('NO_REPLY'))
    void this.#go(filters)
  }

  async #go(filter: FrameFilter | undefined): Promise<void> {
    if (filter && (await this.#isFiltered(filter))) return
    if (this.#task.mode.route === 'local') this.#wantLocal()
    else await this.#goRemote()
  }

  /** Whether the frame is settled already, by the filter or otherwise. A filter that cannot judge lets it through. */
  async #isFiltered(filter: FrameFilter): Promise<boolean> {
    const judge = (values: Float32Array) => this.#timed('filter', () => filter.interest(values))
    try {
      this.#interest = await (filter.reads === 'latent'
        ? this.#tensors.withLatent('head', judge)
        : this.#tensors.withInput(judge))
    } catch (error) {
      if (isBadFrame(error)) this.#refuse(error)
      else this.#shop.gateFailed()
    }
    if (this.#settled) return true
    if (this.#interest === undefined || this.#interest >= filter.threshold) return false
    this.#settleSkip(filter.threshold)
    return true
  }

  async #timed<T>(gate: 'filter' | 'exit', judge: () => Promise<T>): Promise<T> {
    const { clock, times } = this.#shop
    const startMs = clock.now()
    const result = await judge()
    const endMs = clock.now()
    this.#log.add(`${gate}Ms`, startMs, endMs)
    times.add(gate, endMs - startMs)
    return result
  }

  #wantLocal(): void {
    if (this.#localStarted || this.#settled) return
    this.#shop.lane.now(this, this.#task.deadlineAtMs - this.#shop.hedgeMarginMs)
  }

  async #goRemote(): Promise<void> {
    const { link } = this.#shop
    const { mode, deadlineAtMs } = this.#task
    const exit = this.#exitFor(mode)
    const refusal = link ? link.refusal(mode.id) : 'NO_BROKER'
    if (refusal && !exit?.backsUp) return this.#fail(refusal)
    let coded: Coded
    try {
      if (exit && (await this.#hasLeft(exit))) return
      if (refusal) return this.#fail(refusal)
      if (mode.route === 'local') return
      coded = mode.route === 'split' ? await this.#codeLatent(mode) : await this.#codeImage(mode)
    } catch (error) {
      if (isBadFrame(error)) this.#refuse(error)
      else this.#fail(mode.route === 'split' ? 'HEAD_FAILED' : 'IMAGE_FAILED')
      return
    }
    if (this.#settled || !link) return
    const { startMs, ...question } = coded
    const ticket = link.ask({ mode: mode.id, deadlineAtMs, ...question }, this)
    const endMs = this.#shop.clock.now()
    this.#log.add('encodeMs', startMs, endMs)
    this.#shop.times.add(stageNames.encode(mode.id), endMs - startMs)
    if (typeof ticket === 'string') this.#fail(ticket)
    else this.#ticket = ticket
    if (this.#task.probeLocal && this.#ticket && this.#shop.lane.backlog === 0) this.#wantLocal()
  }

  /** The exit, where it may answer: of its own accord, or when the server gives no answer. */
  #exitFor(mode: Mode): EarlyExit | undefined {
    const { exit } = this.#shop
    if (mode.route !== 'split' || !exit?.judges(headOf(mode))) return undefined
    return exit.backsUp || !this.#task.asked ? exit : undefined
  }

  /** Whether the frame is settled already, by the exit or otherwise. Throws what the head throws. */
  async #hasLeft(exit: EarlyExit): Promise<boolean> {
    const { lane, gateFailed } = this.#shop
    const { mode, asked, deadlineAtMs } = this.#task
    const judged = await this.#tensors.withLatent(headOf(mode), async (latent) => {
      if (this.#settled) return undefined
      return this.#timed('exit', () => exit.judge(latent)).catch(() => {
        gateFailed()
        return undefined
      })
    })
    if (this.#settled || !judged) return this.#settled
    this.#exitOutput = judged.output
    if (judged.isSure && !asked) {
      this.#settleExit()
      return true
    }
    if (exit.backsUp) {
      lane.remove(this)
      this.#releaseBefore(deadlineAtMs)
    }
    return false
  }

  async #codeLatent(mode: Extract<Mode, { route: 'split' }>): Promise<Coded> {
    const quantized = await this.#tensors.withLatent(headOf(mode), (latent) => ({
      startMs: this.#shop.clock.now(),
      ...quantize(latent, mode.quantizer),
    }))
    const { startMs, packed: payload, scale, zeroPoint } = quantized
    const { version: patch, epoch: patchEpoch } = this.#headVersion(mode)
    // Decoders fit the head as packed.
    if (patch === 0) this.#asked = this.#decoders
    const decoders = [...this.#asked]
    const coded = { route: 'split', payload, patch, patchEpoch, decoders, startMs } as const
    return mode.quantizer.kind === 'affine-dynamic' ? { ...coded, scale, zeroPoint } : coded
  }

  async #codeImage({ image }: Extract<Mode, { route: 'edge' }>): Promise<Coded> {
    const { clock, images, shape } = this.#shop
    const startMs = clock.now()
    const payload = await images.encode(await this.#tensors.pixels(), shape, image)
    return { route: 'edge', payload, startMs }
  }

  /** Called by the lane when it is this frame's turn. Never rejects. */
  async runLocal(): Promise<void> {
    const { clock, times, local } = this.#shop
    if (this.#localStarted || this.#settled || !local) return
    this.#localStarted = true
    try {
      const output = await this.#tensors.withInput(async (input) => {
        const startMs = clock.now()
        let { output, version } = await local.answer(input)
        const endMs = clock.now()
        this.#log.add('localMs', startMs, endMs)
        times.add('local', endMs - startMs)
        const { observer } = this.#shop
        // A patch that breaks the network costs a second run, not the answer.
        if (observer && !allFinite(output) && observer.broken('local', version))
          ({ output, version } = await local.answer(input))
        this.#localVersion = version
        return output
      })
      this.#localOutput = this.#checkedOutput(output)
    } catch (error) {
      if (isBadFrame(error)) return this.#refuse(error)
      this.#localError = error
    }
    this.#onLocal()
  }

  #onLocal(): void {
    const { deadlineAtMs } = this.#task
    if (this.#settled) return
    if (this.#remoteOver) this.#settleLocal()
    else if (this.#localOutput || this.#exitOutput) this.#releaseBefore(deadlineAtMs)
    else this.#at(deadlineAtMs, () => this.#fail('NO_REPLY'))
  }

  /** An answer is ready; the reply may still come, and be the better one, until shortly before the deadline. */
  #releaseBefore(deadlineAtMs: number): void {
    const earlierMs = RELEASE_MS + (this.#shop.times.upper('timer') ?? 0)
    this.#at(deadlineAtMs - earlierMs, () => this.#fail('NO_REPLY'))
  }

  /** Called by the link. */
  onReply(reply: Reply): void {
    if (this.#settled) return
    const { times, bundle, output: expected, tasks: known } = this.#shop
    const { mode, startMs } = this.#task
    const result = readReply(reply, bundle.key, expected.count, known, this.#asked)
    if (!result) {
      this.#fail('BAD_REPLY')
      return
    }
    const { output, tasks, version, exchange, serverMs } = result
    // Behind a patched head only its own tail counts; a server that knows nothing of patches runs the packed one.
    const head = this.#headVersion(mode)
    const isOther = head.version !== version.version || head.epoch !== version.epoch
    if (mode.route === 'split' && head.version > 0 && isOther) {
      this.onFailure('PATCH_MISMATCH')
      return
    }
    times.add(stageNames.server(mode.id), serverMs)
    const { bytesUp, bytesDown } = reply
    const stages = (endMs: number) => this.#log.remote(startMs, endMs, exchange)
    const outcome = { mode: mode.id, route: mode.route, output, version, bytesUp, bytesDown }
    this.#settle(tasks ? { ...outcome, tasks } : outcome, stages)
  }

  /** Called by the link. */
  onFailure(code: FallbackCode, refusal?: ServerRefusal): void {
    const { mode } = this.#task
    if (code === 'PATCH_MISMATCH' && mode.route === 'split')
      this.#shop.observer?.mismatched(headOf(mode), this.#headVersion(mode))
    this.#fail(code, refusal)
  }

  /** The remote way is over without an answer. */
  #fail(code: FallbackCode, refusal?: ServerRefusal): void {
    if (this.#settled || this.#remoteOver) return
    this.#remoteOver = true
    this.#fallback = code
    this.#refusal = refusal
    const { local, exit } = this.#shop
    const isReady = this.#localOutput || (this.#exitOutput && exit?.backsUp)
    if (!local || isReady || this.#localError !== undefined) this.#settleLocal()
    else this.#wantLocal()
  }

  #settleLocal(): void {
    const { local, localMode, exit } = this.#shop
    const output = this.#localOutput
    if (this.#exitOutput && (exit?.backsUp || !output)) {
      this.#settleExit()
      return
    }
    if (output) {
      const stages = (endMs: number) => this.#log.local(this.#task.startMs, endMs)
      const version = this.#localVersion
      this.#settle({ mode: localMode, route: 'local', output, version, ...this.#sent() }, stages)
      return
    }
    const why = this.#fallback ? ` ${fallbacks[this.#fallback]}` : ''
    const said = this.#refusal ? ` It said: ${this.#refusal.detail}` : ''
    if (local) this.#refuse(deviceError('LOCAL_FAILED', `There is no local answer.${why}`, this.#localError))
    else this.#refuse(deviceError('NO_ANSWER', `The server gave no answer.${why}${said}`))
  }

  #settleExit(): void {
    const { mode } = this.#task
    const version = this.#headVersion(mode)
    const outcome = { mode: mode.id, route: 'local', exit: true, version, ...this.#sent() } as const
    this.#settle({ ...outcome, output: this.#exitOutput! }, this.#gateStages)
  }

  #settleSkip(threshold: number): void {
    const reason = `the filter gives ${this.#interest!.toFixed(3)}, less than ${threshold.toFixed(3)}`
    const output = new Float32Array(0)
    this.#settle({ mode: 0, route: 'skip', output, reason, ...this.#sent() }, this.#gateStages)
  }

  readonly #gateStages = (endMs: number): Stages => this.#log.gate(this.#task.startMs, endMs)

  /** What an answer of the device says of the server. */
  #sent(): Pick<Answer, 'bytesUp' | 'bytesDown' | 'fallback' | 'serverError'> {
    return {
      bytesUp: this.#ticket?.bytesUp ?? 0,
      bytesDown: 0,
      ...(this.#fallback ? { fallback: this.#fallback } : {}),
      ...(this.#refusal ? { serverError: this.#refusal } : {}),
    }
  }

  #settle({ version = AS_PACKED, ...outcome }: Outcome, stagesUntil: (endMs: number) => Stages): void {
    const { startMs, deadlineAtMs, number: frame, reason, mode } = this.#task
    const { bundle, output, clock } = this.#shop
    this.#end()
    const top = bestGuesses(outcome.output, output.kind, bundle.labels)
    const endMs = clock.now()
    const times = { wallMs: endMs - startMs, late: endMs > deadlineAtMs, stages: stagesUntil(endMs) }
    const judged = this.#interest === undefined ? {} : { interest: this.#interest }
    const model = { modelVersion: version.version, modelEpoch: version.epoch }
    this.#resolve({ frame, top, bundle: bundle.id, ...model, reason, ...times, ...judged, ...outcome })
    const { observer } = this.#shop
    if (!observer || outcome.exit || outcome.route === 'skip' || outcome.route === 'edge') return
    const { output: given } = outcome
    const role = outcome.route === 'local' ? 'local' : mode.route === 'split' ? headOf(mode) : 'head'
    const held = outcome.route === 'local' ? version : this.#headVersion(mode)
    observer.answered({ role, output: given, version: held, mode, tensors: this.#tensors })
  }

  /** The form of the head that made this frame's latent. */
  #headVersion(mode: Mode): ModelVersion {
    return (mode.route === 'split' && this.#tensors.made(headOf(mode))?.version) || AS_PACKED
  }

  #refuse(error: unknown): void {
    if (this.#settled) return
    this.#end()
    this.#reject(error)
  }

  #end(): void {
    this.#settled = true
    if (this.#timer !== undefined) this.#shop.clock.clearTimeout(this.#timer)
    this.#shop.lane.remove(this)
    this.#ticket?.giveUp()
    this.#tensors.end()
  }

  #at(timeMs: number, then: () => void): void {
    const { clock } = this.#shop
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(then, Math.max(0, timeMs - clock.now()))
  }

  #checkedOutput(output: Float32Array): Float32Array {
    const { count } = this.#shop.output
    if (output.length !== count) {
      throw deviceError(
        'BAD_BUNDLE',
        `The local model gives ${output.length} numbers, the manifest says ${count}.`,
      )
    }
    if (allFinite(output)) return output
    throw deviceError('LOCAL_FAILED', 'The local model gives NaN or an infinity.')
  }
}

const headOf = (mode: Mode): HeadRole => (mode.route === 'split' && mode.head) || 'head'

function isBadFrame(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'BAD_FRAME' || code === 'IMAGES_UNAVAILABLE'
}
