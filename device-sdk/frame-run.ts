import type { Mode } from '@isthmus/models/bundle'
import { quantize } from '@isthmus/models/codec'
import type { StageTimes } from '@isthmus/policies'
import type { Answer, Stages } from './answer.ts'
import type { Clock } from './clock.ts'
import { deviceError } from './errors.ts'
import type { Question, Reply, ReplyHandlers, ServerRefusal, Ticket } from './exchange.ts'
import { type FallbackCode, fallbacks } from './fallback.ts'
import type { Frame, InputShape } from './frame.ts'
import { allFinite, bestGuesses } from './guesses.ts'
import type { ImageWork } from './images.ts'
import type { LocalLane } from './local-lane.ts'
import { stageNames } from './mode-table.ts'
import type { ModelRunner } from './model-runner.ts'
import type { Normaliser, TensorPool } from './normalise.ts'
import type { ServerLink } from './server-link.ts'
import { StageLog } from './stage-log.ts'

/** What all frames of a device share. */
export interface Workshop {
  readonly clock: Clock
  readonly shape: InputShape
  readonly normaliser: Normaliser
  readonly pool: TensorPool
  readonly images: ImageWork
  readonly local: ModelRunner | undefined
  readonly localMode: number
  readonly head: ModelRunner | undefined
  readonly link: ServerLink | undefined
  readonly times: StageTimes
  readonly lane: LocalLane<FrameRun>
  readonly hedgeMarginMs: number
  readonly bundle: { readonly id: string; readonly key: number; readonly labels: readonly string[] }
  readonly output: { readonly count: number; readonly kind: 'logits' | 'probabilities' }
}

/** One frame to be answered. */
export interface Task {
  readonly number: number
  readonly frame: Frame
  readonly mode: Mode
  readonly reason: string
  readonly startMs: number
  readonly deadlineAtMs: number
  /** The local network runs while the reply is on its way, to be measured. */
  readonly probeLocal?: boolean
}

/** A frame made ready to be sent. */
type Coded = Omit<Question, 'mode' | 'deadlineAtMs'> & {
  /** When coding began. */
  readonly startMs: number
}

/** What one way of answering adds to the answer. */
type Outcome = Omit<Answer, 'frame' | 'top' | 'bundle' | 'reason' | 'wallMs' | 'late' | 'stages'>

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
  #tensor: Promise<Float32Array> | undefined
  #rgb: Promise<Uint8Array | Uint8ClampedArray> | undefined
  #readers = 0
  #ticket: Ticket | undefined
  #remoteOver: boolean
  #fallback: FallbackCode | undefined
  #refusal: ServerRefusal | undefined
  #localStarted = false
  #localOutput: Float32Array | undefined
  #localError: unknown

  constructor(shop: Workshop, task: Task) {
    this.#shop = shop
    this.#task = task
    this.#remoteOver = task.mode.route === 'local'
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  start(): void {
    if (this.#remoteOver) {
      this.#wantLocal()
      return
    }
    const { deadlineAtMs } = this.#task
    if (this.#shop.local) this.#shop.lane.hedge(this, deadlineAtMs - this.#shop.hedgeMarginMs)
    else this.#at(deadlineAtMs, () => this.#fail('NO_REPLY'))
    void this.#goRemote()
  }

  #wantLocal(): void {
    if (this.#localStarted || this.#settled) return
    this.#shop.lane.now(this, this.#task.deadlineAtMs - this.#shop.hedgeMarginMs)
  }

  async #goRemote(): Promise<void> {
    const { link } = this.#shop
    const { mode, deadlineAtMs } = this.#task
    if (!link) return this.#fail('NO_BROKER')
    const refusal = link.refusal(mode.id)
    if (refusal) return this.#fail(refusal)
    let coded: Coded
    try {
      coded = mode.route === 'split' ? await this.#codeLatent(mode) : await this.#codeImage(mode)
    } catch (error) {
      if (isBadFrame(error)) this.#refuse(error)
      else this.#fail(mode.route === 'split' ? 'HEAD_FAILED' : 'IMAGE_FAILED')
      return
    }
    if (this.#settled) return
    const { startMs, ...question } = coded
    const ticket = link.ask({ mode: mode.id, deadlineAtMs, ...question }, this)
    const endMs = this.#shop.clock.now()
    this.#log.add('encodeMs', startMs, endMs)
    this.#shop.times.add(stageNames.encode(mode.id), endMs - startMs)
    if (typeof ticket === 'string') this.#fail(ticket)
    else this.#ticket = ticket
    if (this.#task.probeLocal && this.#ticket && this.#shop.lane.backlog === 0) this.#wantLocal()
  }

  async #codeLatent(mode: Mode): Promise<Coded> {
    const { head, clock, times } = this.#shop
    if (mode.route !== 'split' || !head) throw deviceError('UNKNOWN_MODE', 'The bundle has no head.')
    const tensor = await this.#prepared()
    const alone = head.backlog === 0
    const startMs = clock.now()
    const latent = await this.#reading(() => head.run(tensor))
    const headMs = clock.now()
    this.#log.add('headMs', startMs, headMs)
    if (alone) times.add('head', headMs - startMs)
    const { packed: payload, scale, zeroPoint } = quantize(latent, mode.quantizer)
    const coded = { route: 'split', payload, startMs: headMs } as const
    return mode.quantizer.kind === 'affine-dynamic' ? { ...coded, scale, zeroPoint } : coded
  }

  async #codeImage(mode: Mode): Promise<Coded> {
    const { clock, images, shape } = this.#shop
    if (mode.route !== 'edge' || this.#task.frame instanceof Float32Array) {
      throw deviceError('BAD_FRAME', 'A tensor cannot be sent as an image: choose another route.')
    }
    const startMs = clock.now()
    const rgb = await this.#pixels(this.#task.frame)
    const payload = await images.encode(rgb, shape, mode.image)
    return { route: 'edge', payload, startMs }
  }

  /** Called by the lane when it is this frame's turn. Never rejects. */
  async runLocal(): Promise<void> {
    const { clock, times, local } = this.#shop
    if (this.#localStarted || this.#settled || !local) return
    this.#localStarted = true
    try {
      const tensor = await this.#prepared()
      const startMs = clock.now()
      const output = await this.#reading(() => local.run(tensor))
      const endMs = clock.now()
      this.#log.add('localMs', startMs, endMs)
      times.add('local', endMs - startMs)
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
    // The reply may still come: it is the better answer.
    else {
      const earlierMs = this.#localOutput ? RELEASE_MS + (this.#shop.times.upper('timer') ?? 0) : 0
      this.#at(deadlineAtMs - earlierMs, () => this.#fail('NO_REPLY'))
    }
  }

  /** Called by the link. */
  onReply(reply: Reply): void {
    if (this.#settled) return
    const { times, bundle, output } = this.#shop
    const { mode, startMs } = this.#task
    const { body, payload, bytesUp, bytesDown, uplinkMs, downlinkMs } = reply
    const count = body.dims.reduce((product, dim) => product * dim, 1)
    const fits = body.bundle === bundle.key && count === output.count && payload.length === 4 * count
    const result = fits ? floatsOf(payload) : undefined
    if (!result || !allFinite(result)) {
      this.#fail('BAD_REPLY')
      return
    }
    const serverMs = body.serverUs / 1000
    const decodeMs = Math.min(serverMs, body.decodeUs / 1000)
    const tailMs = Math.min(serverMs - decodeMs, body.tailUs / 1000)
    const exchange = { uplinkMs, queueMs: serverMs - decodeMs - tailMs, decodeMs, tailMs, downlinkMs }
    times.add(stageNames.server(mode.id), serverMs)
    const stages = (endMs: number) => this.#log.remote(startMs, endMs, exchange)
    this.#settle({ mode: mode.id, route: mode.route, output: result, bytesUp, bytesDown }, stages)
  }

  /** Called by the link. */
  onFailure(code: FallbackCode, refusal?: ServerRefusal): void {
    this.#fail(code, refusal)
  }

  /** The remote way is over without an answer. */
  #fail(code: FallbackCode, refusal?: ServerRefusal): void {
    if (this.#settled || this.#remoteOver) return
    this.#remoteOver = true
    this.#fallback = code
    this.#refusal = refusal
    if (!this.#shop.local || this.#localOutput || this.#localError !== undefined) this.#settleLocal()
    else this.#wantLocal()
  }

  #settleLocal(): void {
    const { local, localMode } = this.#shop
    const output = this.#localOutput
    if (output) {
      const remote = {
        bytesUp: this.#ticket?.bytesUp ?? 0,
        bytesDown: 0,
        ...(this.#fallback ? { fallback: this.#fallback } : {}),
        ...(this.#refusal ? { serverError: this.#refusal } : {}),
      }
      const stages = (endMs: number) => this.#log.local(this.#task.startMs, endMs)
      this.#settle({ mode: localMode, route: 'local', output, ...remote }, stages)
      return
    }
    const why = this.#fallback ? ` ${fallbacks[this.#fallback]}` : ''
    const said = this.#refusal ? ` It said: ${this.#refusal.detail}` : ''
    if (local) this.#refuse(deviceError('LOCAL_FAILED', `There is no local answer.${why}`, this.#localError))
    else this.#refuse(deviceError('NO_ANSWER', `The server gave no answer.${why}${said}`))
  }

  #settle(outcome: Outcome, stagesUntil: (endMs: number) => Stages): void {
    const { startMs, deadlineAtMs, number: frame, reason } = this.#task
    const { bundle, output, clock } = this.#shop
    this.#end()
    const top = bestGuesses(outcome.output, output.kind, bundle.labels)
    const endMs = clock.now()
    const times = { wallMs: endMs - startMs, late: endMs > deadlineAtMs, stages: stagesUntil(endMs) }
    this.#resolve({ frame, top, bundle: bundle.id, reason, ...times, ...outcome })
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
    this.#freeTensor()
  }

  #at(timeMs: number, then: () => void): void {
    const { clock } = this.#shop
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(then, Math.max(0, timeMs - clock.now()))
  }

  /** The input tensor; made once, from a buffer of the pool. */
  #prepared(): Promise<Float32Array> {
    this.#tensor ??= this.#prepare()
    return this.#tensor
  }

  async #prepare(): Promise<Float32Array> {
    const { clock, normaliser, pool, times } = this.#shop
    const { frame } = this.#task
    const startMs = clock.now()
    const rgb = frame instanceof Float32Array ? undefined : await this.#pixels(frame)
    const tensor = pool.take()
    if (rgb) normaliser.into(rgb, tensor)
    else tensor.set(frame as Float32Array)
    const endMs = clock.now()
    this.#log.add('preprocessMs', startMs, endMs)
    times.add('preprocess', endMs - startMs)
    return tensor
  }

  #pixels(frame: Exclude<Frame, Float32Array>): Promise<Uint8Array | Uint8ClampedArray> {
    const { images, shape } = this.#shop
    this.#rgb ??= images.toRgb(frame, shape)
    return this.#rgb
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    this.#readers++
    try {
      return await read()
    } finally {
      this.#readers--
      this.#freeTensor()
    }
  }

  #freeTensor(): void {
    if (!this.#settled || this.#readers > 0 || !this.#tensor) return
    const tensor = this.#tensor
    this.#tensor = undefined
    tensor.then((buffer) => this.#shop.pool.giveBack(buffer)).catch(() => {})
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

/** The payload lies anywhere in the packet, and the packet is the transport's: copied, and so aligned. */
function floatsOf(payload: Uint8Array): Float32Array {
  return new Float32Array(payload.slice().buffer)
}

function isBadFrame(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return code === 'BAD_FRAME' || code === 'IMAGES_UNAVAILABLE'
}
