import { Worker } from 'node:worker_threads'
import type {
  Outcome,
  StagesOutcome,
  StagesWork,
  TailOutcome,
  TailWork,
  Work,
  WorkRunner,
} from '../dispatch/work.ts'
import { edgeError } from '../errors.ts'
import {
  type BatchFrames,
  type BundleFailure,
  type FromWorker,
  hrMs,
  type ToWorker,
  type WorkerBundle,
  type WorkerSetup,
} from './messages.ts'
import type { WorkerPipeline } from './pipeline-stages.ts'

/** A worker computes one batch and has the next at hand, so that it never waits for this thread. */
const BATCHES_AT_A_WORKER = 2
const FIRST_RESTART_MS = 100
const LONGEST_RESTART_MS = 10_000
/** A worker that has lived this long is restarted at once, whatever happened before. */
const HEALTHY_LIFE_MS = 10_000
/** What a worker may take to finish when the pool is closed. */
const CLOSE_MS = 5000

export interface TailPoolOptions {
  readonly bundles: readonly WorkerBundle[]
  readonly pipelines?: readonly WorkerPipeline[]
  readonly workers: number
  readonly intraOpThreads: number
  /** Frames that a worker computes together, at most. Default: 1. */
  readonly maxBatch?: number
  /** A worker that computes longer on one batch is restarted. */
  readonly jobTimeoutMs: number
  /** Monotonic, in milliseconds; the clock of {@link Work.deadlineMs}. */
  readonly clock: () => number
  /** Told why a thread ended that was not asked to. */
  readonly onCrash: (reason: string) => void
  /** Starts a thread; a test may hand in its own. */
  readonly spawn?: (setup: WorkerSetup) => Worker
}

/** What the same run of the same network can compute. */
interface Kind {
  readonly route: keyof BatchFrames
  /** Frames that are computed together, as a worker last said. */
  frames: number
}

interface Pending {
  readonly resolve: (outcome: Outcome) => void
  readonly kind: Kind | undefined
}

interface Member {
  worker: Worker
  ready: boolean
  readonly pending: Map<number, Pending>
  /** When the work that is being computed was begun. */
  busySinceMs: number
  bornMs: number
  restartMs: number
}

/** Starts one thread. */
export const spawnWorker = (setup: WorkerSetup): Worker =>
  new Worker(new URL('./worker.js', import.meta.url), { workerData: setup })

/**
 * Worker threads that compute tails. A thread that dies is replaced, and what it held is answered TAIL_FAILED.
 *
 * A thread is never ended by force: ONNX Runtime's binding aborts the whole process when its thread is terminated
 * during a run. It is asked to leave when it has finished, and if it takes too long it is left to itself.
 */
export class TailPool implements WorkRunner {
  readonly #options: TailPoolOptions
  readonly #members: Member[] = []
  readonly #failures = new Map<number, BundleFailure>()
  readonly #pipelineFailures = new Map<number, BundleFailure>()
  /** By pipeline's key: of each stage the longest that a worker measured when it was loaded. */
  readonly #stageMs = new Map<number, readonly number[]>()
  /** By bundle and mode. */
  readonly #kinds: ReadonlyMap<number, ReadonlyMap<number, Kind>>
  #handler: () => void = () => {}
  #ids = 0
  #closed = false
  #closing: Promise<void> | undefined
  readonly #restarts = new Set<NodeJS.Timeout>()
  readonly #watchdog: NodeJS.Timeout
  /** Between two looks of the watchdog. */
  readonly #watchMs: number
  #lookedMs: number

  private constructor(options: TailPoolOptions) {
    this.#options = options
    this.#kinds = new Map(options.bundles.map((bundle) => [bundle.key, kindsOf(bundle)]))
    this.#watchMs = Math.min(1000, options.jobTimeoutMs / 2)
    this.#lookedMs = options.clock()
    this.#watchdog = setInterval(() => this.#endHungWorkers(), this.#watchMs)
    this.#watchdog.unref()
  }

  /** Starts the threads and resolves when every one has loaded its models. Throws NO_WORKER. */
  static async open(options: TailPoolOptions): Promise<TailPool> {
    const pool = new TailPool(options)
    try {
      await Promise.all(Array.from({ length: options.workers }, () => pool.#start()))
    } catch (error) {
      await pool.close()
      throw error
    }
    return pool
  }

  /** Bundles that at least one worker could not load or run. */
  get failures(): readonly BundleFailure[] {
    return [...this.#failures.values()]
  }

  /** Pipelines that at least one worker could not load or run. */
  get pipelineFailures(): readonly BundleFailure[] {
    return [...this.#pipelineFailures.values()]
  }

  /** What each stage of a pipeline took when it was loaded, in ms; 0: not served. */
  stageMs(pipeline: number): readonly number[] {
    return this.#stageMs.get(pipeline) ?? []
  }

  accepts(work: Work): boolean {
    const kind = this.#kindOf(work)
    return this.#members.some((member) => hasRoom(member, kind))
  }

  /** Workers that can compute. */
  get ready(): number {
    return this.#members.filter((member) => member.ready).length
  }

  /** Workers that compute right now. */
  get busy(): number {
    return this.#members.filter((member) => member.pending.size > 0).length
  }

  onVacancy(handler: () => void): void {
    this.#handler = handler
  }

  run(work: TailWork): Promise<TailOutcome>
  run(work: StagesWork): Promise<StagesOutcome>
  run(work: Work): Promise<Outcome>
  run(work: Work): Promise<Outcome> {
    const kind = this.#kindOf(work)
    const member = this.#leastLoaded(kind)
    if (!member) return Promise.resolve({ ok: false, code: 'TAIL_FAILED', detail: 'No worker is running' })
    const id = this.#ids++
    const nowMs = this.#options.clock()
    if (member.pending.size === 0) member.busySinceMs = nowMs
    const message: ToWorker = { kind: 'work', id, work, expiresHrMs: hrMs() + work.deadlineMs - nowMs }
    return new Promise((resolve) => {
      member.pending.set(id, { resolve, kind })
      member.worker.postMessage(message, [work.payload.buffer])
    })
  }

  /** Lets the workers finish what they have, and leave. */
  close(): Promise<void> {
    // A worker that has left does not leave again: to wait for that takes its whole time limit.
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#watchdog)
    for (const timer of this.#restarts) clearTimeout(timer)
    await Promise.all(this.#members.map((member) => leaves(member.worker)))
  }

  /** Of those that have room for the kind; of all, when none has. */
  #leastLoaded(kind: Kind | undefined): Member | undefined {
    let best: Member | undefined
    let bestHasRoom = false
    for (const member of this.#members) {
      if (!member.ready) continue
      const has = hasRoom(member, kind)
      if (best && bestHasRoom && !has) continue
      if (best && bestHasRoom === has && member.pending.size >= best.pending.size) continue
      best = member
      bestHasRoom = has
    }
    return best
  }

  /** Undefined for a work that is computed alone. */
  #kindOf(work: Work): Kind | undefined {
    if ('pipeline' in work || work.tail?.parameters) return undefined
    return this.#kinds.get(work.bundle)?.get(work.mode)
  }

  /** Starts one more thread; resolves when it is ready, rejects when it dies before that. */
  #start(restartMs = FIRST_RESTART_MS): Promise<void> {
    const {
      bundles,
      pipelines = [],
      intraOpThreads,
      maxBatch = 1,
      spawn = spawnWorker,
      clock,
    } = this.#options
    const member: Member = {
      worker: spawn({ bundles, pipelines, intraOpThreads, maxBatch }),
      ready: false,
      pending: new Map(),
      busySinceMs: 0,
      bornMs: clock(),
      restartMs,
    }
    this.#members.push(member)
    return new Promise((resolve, reject) => {
      let reason = ''
      member.worker.on('message', (message: FromWorker) => {
        if (message.kind === 'done') {
          this.#done(member, message)
          return
        }
        this.#learn(message)
        member.ready = true
        resolve()
        this.#handler()
      })
      member.worker.on('error', (error) => {
        reason = error instanceof Error ? error.message : String(error)
      })
      member.worker.on('exit', (code) => {
        const why =
          reason === '' ? `A worker thread ended with code ${code}` : `A worker thread ended: ${reason}`
        reject(edgeError('NO_WORKER', why))
        this.#bury(member, why)
      })
    })
  }

  #learn({
    failures,
    pipelineFailures = [],
    stageMs = [],
    batches = [],
  }: Extract<FromWorker, { kind: 'ready' }>): void {
    for (const failure of failures) this.#failures.set(failure.key, failure)
    for (const failure of pipelineFailures) this.#pipelineFailures.set(failure.key, failure)
    for (const [key, frames] of batches) {
      for (const kind of this.#kinds.get(key)?.values() ?? []) kind.frames = frames[kind.route]
    }
    for (const [key, each] of stageMs) {
      const before = this.#stageMs.get(key) ?? []
      this.#stageMs.set(
        key,
        each.map((ms, stage) => Math.max(ms, before[stage] ?? 0)),
      )
    }
  }

  #done(member: Member, { answers, frames }: Extract<FromWorker, { kind: 'done' }>): void {
    member.busySinceMs = this.#options.clock()
    for (const { id, outcome } of answers) {
      const pending = member.pending.get(id)
      member.pending.delete(id)
      if (pending?.kind) pending.kind.frames = frames
      pending?.resolve(outcome)
    }
    this.#handler()
  }

  #bury(member: Member, why: string): void {
    const place = this.#members.indexOf(member)
    if (place === -1) return
    this.#members.splice(place, 1)
    const wasReady = member.ready
    member.ready = false
    for (const { resolve } of member.pending.values()) {
      resolve({ ok: false, code: 'TAIL_FAILED', detail: 'The worker that computed it has ended' })
    }
    member.pending.clear()
    if (this.#closed) return
    this.#options.onCrash(why)
    const lifeMs = this.#options.clock() - member.bornMs
    const healthy = wasReady && lifeMs > HEALTHY_LIFE_MS
    const delayMs = healthy ? 0 : member.restartMs
    const timer = setTimeout(() => {
      this.#restarts.delete(timer)
      const nextMs = healthy ? FIRST_RESTART_MS : Math.min(LONGEST_RESTART_MS, 2 * delayMs)
      // Its end is reported by its own exit.
      this.#start(nextMs).catch(() => undefined)
    }, delayMs)
    this.#restarts.add(timer)
  }

  #endHungWorkers(): void {
    const nowMs = this.#options.clock()
    // A process that was stopped has had its workers stopped, too.
    const stoodStillMs = Math.max(0, nowMs - this.#lookedMs - 2 * this.#watchMs)
    this.#lookedMs = nowMs
    for (const member of [...this.#members]) {
      member.busySinceMs += stoodStillMs
      if (member.pending.size === 0 || nowMs - member.busySinceMs <= this.#options.jobTimeoutMs) continue
      this.#bury(member, `A worker computed longer than ${this.#options.jobTimeoutMs} ms on one request`)
      void leaves(member.worker)
    }
  }
}

/** Of a bundle, by mode: modes with the same network behind them are of one kind. */
function kindsOf({ manifest }: WorkerBundle): ReadonlyMap<number, Kind> {
  const byRoute = { split: { route: 'split', frames: 1 }, edge: { route: 'edge', frames: 1 } } as const
  const kinds = new Map<number, Kind>()
  for (const { id, route } of manifest.modes) if (route !== 'local') kinds.set(id, byRoute[route])
  return kinds
}

/** For the batch that is computed and the one to have at hand: two works, or as many of a kind as go together. */
function hasRoom({ ready, pending }: Member, kind: Kind | undefined): boolean {
  if (!ready) return false
  if (pending.size < BATCHES_AT_A_WORKER) return true
  const held = pending.values().next().value?.kind
  if (held === undefined) return false
  for (const other of pending.values()) if (other.kind !== held) return false
  // What is computed is one batch of the kind; another kind is the next to have at hand.
  return pending.size < (held === kind ? BATCHES_AT_A_WORKER * held.frames : held.frames + 1)
}

/** Asks a worker to leave; resolves when it has, or when it has been given up. */
function leaves(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    const giveUp = setTimeout(() => {
      worker.unref()
      resolve()
    }, CLOSE_MS)
    worker.once('exit', () => {
      clearTimeout(giveUp)
      resolve()
    })
    const message: ToWorker = { kind: 'close' }
    worker.postMessage(message)
  })
}
