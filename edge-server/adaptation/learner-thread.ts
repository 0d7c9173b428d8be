import { Worker } from 'node:worker_threads'
import { edgeError } from '../errors.ts'
import type {
  FromLearner,
  LearnerAnswers,
  LearnerSetup,
  LearnerTask,
  StateFound,
  ToLearner,
} from './messages.ts'
import type { IntakeState } from './sample-intake.ts'

/** What learns for one family: a thread in production, anything in a test. */
export interface Learner {
  /** Whether it can take a task. */
  readonly idle: boolean
  /** Does a task. Undefined when it failed or the thread died over it. Rejects never. */
  run<Kind extends LearnerTask['kind']>(
    task: Extract<LearnerTask, { readonly kind: Kind }>,
  ): Promise<LearnerAnswers[Kind] | undefined>
  /** The last candidate has gone out with this number. */
  published(version: number): void
  close(): Promise<void>
}

export interface LearnerThreadOptions {
  readonly setup: LearnerSetup
  /** Told of a thread that ended and will be replaced, or of a task that failed. */
  readonly onTrouble: (what: 'died' | 'failed', reason: string) => void
  /** Told when a thread, also a later one, is ready, and what state it found. */
  readonly onReady?: (found: StateFound, detail: string) => void
  /** A task that takes longer is given up with its thread. */
  readonly taskTimeoutMs: number
  readonly spawn?: (setup: LearnerSetup) => Worker
}

const FIRST_RESTART_MS = 100
const LONGEST_RESTART_MS = 60_000
const CLOSE_MS = 5000

export const spawnLearner = (setup: LearnerSetup): Worker =>
  new Worker(new URL('./worker.js', import.meta.url), { workerData: setup })

interface Pending {
  readonly id: number
  readonly resolve: (answer: LearnerAnswers[LearnerTask['kind']] | undefined) => void
  readonly timer: NodeJS.Timeout
}

/**
 * The thread of one family. When it dies, another takes its place and goes on from the last state that was written. A thread is never
 * ended by force: ONNX Runtime's binding aborts the whole process when its thread is terminated during a run.
 */
export class LearnerThread implements Learner {
  readonly #options: LearnerThreadOptions
  #worker: Worker | undefined
  #ready = false
  /** A first one that never was is not replaced: opening has failed. */
  #hasBeenReady = false
  #pending: Pending | undefined
  #ids = 0
  #closed = false
  #restartMs = FIRST_RESTART_MS
  #restart: NodeJS.Timeout | undefined
  /** Of the first thread's state: what the intake was. */
  intake: IntakeState | undefined

  private constructor(options: LearnerThreadOptions) {
    this.#options = options
  }

  /** Resolves when the networks are loaded. Throws NO_WORKER. */
  static async open(options: LearnerThreadOptions): Promise<LearnerThread> {
    const thread = new LearnerThread(options)
    await thread.#start()
    return thread
  }

  get idle(): boolean {
    return this.#ready && this.#pending === undefined
  }

  run<Kind extends LearnerTask['kind']>(
    task: Extract<LearnerTask, { readonly kind: Kind }>,
  ): Promise<LearnerAnswers[Kind] | undefined> {
    if (!this.idle || !this.#worker) return Promise.resolve(undefined)
    const worker = this.#worker
    const id = this.#ids++
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => this.#bury(worker, `a task took longer than ${this.#options.taskTimeoutMs} ms`),
        this.#options.taskTimeoutMs,
      )
      timer.unref()
      this.#pending = { id, timer, resolve: resolve as Pending['resolve'] }
      this.#post({ kind: 'task', id, task })
    })
  }

  published(version: number): void {
    this.#post({ kind: 'published', version })
  }

  /** Lets it finish what it has in hand, and leave. */
  close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#restart)
    const worker = this.#worker
    if (!worker) return Promise.resolve()
    return new Promise((resolve) => {
      const giveUp = setTimeout(() => {
        worker.unref()
        resolve()
      }, CLOSE_MS)
      worker.once('exit', () => {
        clearTimeout(giveUp)
        resolve()
      })
      this.#post({ kind: 'close' })
    })
  }

  #post(message: ToLearner): void {
    this.#worker?.postMessage(message)
  }

  #start(): Promise<void> {
    const worker = (this.#options.spawn ?? spawnLearner)(this.#options.setup)
    this.#worker = worker
    return new Promise((resolve, reject) => {
      let reason = ''
      worker.on('message', (message: FromLearner) => {
        if (worker !== this.#worker) return
        if (message.kind !== 'ready') return this.#settle(message)
        this.intake ??= message.intake
        this.#ready = true
        this.#hasBeenReady = true
        this.#options.onReady?.(message.found, message.detail)
        resolve()
      })
      worker.on('error', (error) => {
        reason = error instanceof Error ? error.message : String(error)
      })
      worker.on('exit', (code) => {
        const why = reason === '' ? `it ended with code ${code}` : reason
        reject(edgeError('NO_WORKER', `The thread that learns for ${this.#options.setup.id} ended: ${why}`))
        this.#bury(worker, why)
      })
    })
  }

  #settle(message: Exclude<FromLearner, { kind: 'ready' }>): void {
    const pending = this.#pending
    if (pending?.id !== message.id) return
    this.#pending = undefined
    clearTimeout(pending.timer)
    if (message.kind === 'done') {
      this.#restartMs = FIRST_RESTART_MS
      pending.resolve(message.answer)
      return
    }
    this.#options.onTrouble('failed', message.detail)
    pending.resolve(undefined)
  }

  #bury(worker: Worker, why: string): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    this.#ready = false
    const pending = this.#pending
    this.#pending = undefined
    clearTimeout(pending?.timer)
    // One that hangs is left to itself; it leaves when it is done.
    worker.postMessage({ kind: 'close' } satisfies ToLearner)
    worker.unref()
    pending?.resolve(undefined)
    if (this.#closed || !this.#hasBeenReady) return
    this.#options.onTrouble('died', why)
    this.#restart = setTimeout(() => {
      // Its end is reported by its own exit.
      this.#start().catch(() => undefined)
    }, this.#restartMs)
    this.#restartMs = Math.min(LONGEST_RESTART_MS, 2 * this.#restartMs)
  }
}
