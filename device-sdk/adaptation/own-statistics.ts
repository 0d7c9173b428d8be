import {
  doubtOf,
  encodeMoments,
  LocalStatistics,
  type LocalStatisticsSettings,
  type Moments,
  type Moved,
  momentsOf,
  type NormParameters,
  parameterFeeds,
} from '@isthmus/models/adapt/norms'
import type { Session } from '@isthmus/models/runtime'
import type { Clock } from '../clock.ts'
import { allFinite } from '../guesses.ts'
import type { ModelVersion } from '../loaded-model.ts'
import { type AdaptedModel, codeOf, type Place, type TakenBack } from './adapted-model.ts'
import type { HeldStatistics } from './adapted-state.ts'
import type { AdaptationEvent } from './events.ts'
import { FrameNovelty } from './frame-novelty.ts'
import { SamplingPace } from './sampling-pace.ts'

export interface OwnStatisticsParts {
  readonly model: AdaptedModel
  /** Opens the network that gives moments. */
  readonly openMoments: (file: Uint8Array, place: Place) => Promise<Session>
  /** Of the network's input: [1, ...]. */
  readonly dims: readonly number[]
  /** Of one answer of the network, in nats. */
  readonly entropyOf: (output: Float32Array) => number
  /** Frames that move the statistics together. */
  readonly frames: number
  /** Of the time, what the extra runs may take. */
  readonly busyShare: number
  readonly settings?: Partial<LocalStatisticsSettings>
  readonly clock: Clock
  /** Tells the server; left out: nobody is told. */
  readonly report?: (statistics: Uint8Array, takenWith: ModelVersion) => void
  readonly tell: (event: AdaptationEvent) => void
}

/** Which statistics the local network runs with: as packed, those of its patch, or its own. */
export type StatisticsInUse = 'packed' | 'patch' | 'own'

export interface StatisticsStats {
  readonly inUse: StatisticsInUse
  /** Why none are taken: the network has no normalisation layers. */
  readonly off?: string
  /** Frames that moments were taken from. */
  readonly frames: number
  /** Frames of them that showed few classes, and did not count. */
  readonly leftOut: number
  /** Times that they were weighed: by rounds of frames, and by fewer where a shift shows in these. */
  readonly batches: number
  /** Times that they began anew, since what the camera sees had changed. */
  readonly shifts: number
  /** Times that the network was as packed again. */
  readonly returns: number
  /** Times that statistics were put in place, and taken back. */
  readonly adopted: number
  readonly rolledBack: number
  /** Between two frames that are kept, at least. */
  readonly spacingMs: number
}

/** Where none were taken. */
export const noStatistics: StatisticsStats = {
  inUse: 'packed',
  frames: 0,
  leftOut: 0,
  batches: 0,
  shifts: 0,
  returns: 0,
  adopted: 0,
  rolledBack: 0,
  spacingMs: 0,
}

/** Of frames that ran together: what `LocalStatistics.add` takes. */
interface Measured {
  readonly world: Moments
  readonly own: Moments
  readonly doubt: number
}

/** Frames that wait and run together: a great shift shows in so few. */
const MOST_ROWS = 16
/** Numbers of theirs, 8 MB: a network of large pictures takes fewer. */
const MOST_VALUES = 1 << 21
const FEWEST_ROWS = 2
const FIRST_PAUSE_MS = 60_000
const LONGEST_PAUSE_MS = 3_600_000
/** The last good statistics are written to the disk no more often than that. */
const STORE_MS = 60_000
/** Statistics that only move are told no more often. */
const REPORT_MS = 60_000

/**
 * Takes the running statistics of the local network's normalisation layers from the device's own frames: copies of every so many, a forward pass
 * over a few of them at a time in the thread that answers nothing, and the network with the new statistics goes the way of a patch.
 */
export class OwnStatistics {
  readonly #parts: OwnStatisticsParts
  readonly #pace: SamplingPace
  readonly #novelty = new FrameNovelty()
  readonly #rows: number
  readonly #count: number
  #tracker: LocalStatistics
  #batch: Float32Array | undefined
  #filled = 0
  /** Of the answers given to the frames that wait, summed. */
  #entropy = 0
  #running: Promise<void> | undefined
  /** In both threads, for the one that answers changes with each form of the model. */
  readonly #opened = new Map<Place, Session>()
  #storedMs: number
  #reportedMs: number | undefined
  #pausedUntilMs = Number.NEGATIVE_INFINITY
  #pauseMs = FIRST_PAUSE_MS
  #closed = false
  readonly #stats = { frames: 0, leftOut: 0, batches: 0, shifts: 0, returns: 0, adopted: 0, rolledBack: 0 }

  constructor(parts: OwnStatisticsParts) {
    const { model, dims, frames, busyShare } = parts
    this.#parts = parts
    this.#pace = new SamplingPace(busyShare)
    this.#count = dims.reduce((product, dim) => product * dim, 1)
    this.#rows = Math.max(FEWEST_ROWS, Math.min(MOST_ROWS, frames, Math.floor(MOST_VALUES / this.#count)))
    this.#storedMs = parts.clock.now()
    this.#tracker = this.#newTracker()
    model.onTakenBack.push((taken) => this.#onTakenBack(taken))
  }

  get stats(): StatisticsStats {
    const { statistics, parameters } = this.#parts.model.held
    const without = parameters && statistics === undefined ? 'patch' : 'packed'
    const inUse = typeof statistics === 'object' ? 'own' : without
    return { inUse, ...this.#stats, spacingMs: this.#pace.spacingMs }
  }

  /** Goes on from what was stored and is in place. */
  restore(): void {
    this.#tracker = this.#newTracker(this.#parts.model.held.statistics)
  }

  /** An answer of the local network: its input is copied, when it is the turn of one. */
  answered(input: Float32Array | undefined, output: Float32Array): void {
    const nowMs = this.#parts.clock.now()
    if (!input || this.#running || this.#closed) return
    if (nowMs < this.#pausedUntilMs || !this.#pace.isDue(nowMs) || !this.#novelty.isNew(input)) return
    this.#pace.kept(nowMs)
    this.#batch ??= new Float32Array(this.#rows * this.#count)
    this.#batch.set(input, this.#filled * this.#count)
    this.#filled++
    this.#entropy += this.#parts.entropyOf(output)
    const missing = this.#parts.frames - this.#tracker.waiting - this.#filled
    if (this.#filled < this.#rows && missing > 0) return
    this.#running = this.#run(this.#batch, this.#filled).finally(() => {
      this.#running = undefined
      this.#filled = 0
      this.#entropy = 0
    })
  }

  /** Resolves when nothing is being computed. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** To be called a few times a second. */
  tick(): void {
    const nowMs = this.#parts.clock.now()
    if (nowMs - this.#storedMs < STORE_MS) return
    this.#storedMs = nowMs
    this.#parts.model.storeIfChanged()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    this.#parts.model.storeIfChanged()
    await this.#leave()
  }

  async #run(batch: Float32Array, rows: number): Promise<void> {
    try {
      // Nothing else is put in place meanwhile: the thread that answers stays another one.
      await this.#parts.model.exclusive(() =>
        this.#timed(async () => {
          await this.#use(await this.#measure(batch.subarray(0, rows * this.#count), rows), rows)
        }),
      )
    } catch (error) {
      await this.#leave()
      if (codeOf(error) !== 'WORKER_DIED') this.#pause(error instanceof Error ? error.message : String(error))
    }
  }

  /** What fails takes time, too. */
  async #timed(work: () => Promise<void>): Promise<void> {
    const { clock, frames } = this.#parts
    const startMs = clock.now()
    try {
      await work()
    } finally {
      const nowMs = clock.now()
      this.#pace.took(nowMs - startMs, Math.min(this.#rows, frames - this.#tracker.waiting), nowMs)
    }
  }

  async #use({ world, own, doubt }: Measured, frames: number): Promise<void> {
    const { model, tell } = this.#parts
    const what = this.#tracker.add(world, own, frames, doubt)
    if (what === 'few-classes') this.#stats.leftOut += frames
    if (what === 'waiting' || what === 'few-classes') return
    this.#stats.batches++
    if (what === 'shift') this.#stats.shifts++
    if (what === 'return') this.#stats.returns++
    this.#report(what)
    const { held } = this.#tracker
    // A small move is not worth a new session.
    if (!this.#tracker.isWorthwhile(model.held.statistics)) return
    const put = await model.put({ ...model.held, statistics: held }, () => {
      this.#stats.adopted++
      if (what === 'shift' || what === 'return') tell({ kind: 'statistics', role: 'local', what })
    })
    if (typeof put === 'object') this.#pause(put.complaint)
    else if (isSettled(model)) this.#pauseMs = FIRST_PAUSE_MS
  }

  /** At once when they have begun anew or are as packed again, else when they have moved, once a minute. */
  #report(what: Moved): void {
    const { clock, model, report } = this.#parts
    const nowMs = clock.now()
    const isNews = what === 'shift' || what === 'return' || this.#reportedMs === undefined
    if (!report || (!isNews && nowMs - this.#reportedMs! < REPORT_MS)) return
    this.#reportedMs = nowMs
    const { network, held } = model
    const own = this.#tracker.held
    const moments = typeof own === 'object' ? own : network.base
    report(encodeMoments(moments, network.base, network.layout), held.version)
  }

  /** Runs a part of a round in the thread that answers nothing: with the packed scales and shifts, and with those that the network has now. */
  async #measure(batch: Float32Array, rows: number): Promise<Measured> {
    const { model, dims, openMoments } = this.#parts
    const { network, held, otherPlace: place } = model
    const session = this.#opened.get(place) ?? (await openMoments(network.momentsFile(), place))
    this.#opened.set(place, session)
    const images = { dtype: 'float32', dims: [rows, ...dims.slice(1)], data: batch } as const
    const run = async (parameters: NormParameters) => {
      const values = await session.run({ [network.input]: images, ...parameterFeeds(parameters) })
      const moments = momentsOf(values, network.layout)
      const output = values[network.output]!.data as Float32Array
      if (allFinite(moments.mean) && allFinite(moments.variance) && allFinite(output))
        return { moments, output }
      throw new Error('The frames make the network give NaN or an infinity.')
    }
    const world = await run(network.base)
    const own = held.parameters ? await run(held.parameters) : world
    this.#stats.frames += rows
    const doubt = doubtOf(world.output, rows, this.#parts.entropyOf, this.#entropy)
    return { world: world.moments, own: own.moments, doubt }
  }

  async #leave(): Promise<void> {
    const opened = [...this.#opened.values()]
    this.#opened.clear()
    for (const session of opened) await session.dispose().catch(() => {})
  }

  #onTakenBack({ from, to }: TakenBack): void {
    if (from.statistics === to.statistics) return
    this.#stats.rolledBack++
    this.#pause('the answers have collapsed')
  }

  /** What was learned is given up, and no frame is looked at for a while. */
  #pause(why: string): void {
    const { clock, model, tell } = this.#parts
    this.#pausedUntilMs = clock.now() + this.#pauseMs
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
    this.#tracker = this.#newTracker(model.held.statistics)
    tell({ kind: 'statistics', role: 'local', what: 'refused', why })
  }

  #newTracker(held?: HeldStatistics): LocalStatistics {
    const { model, settings, frames } = this.#parts
    const { layout, base } = model.network
    return new LocalStatistics(layout, base, { ...settings, round: frames }, held)
  }
}

/** Nothing is on trial. */
const isSettled = ({ held, good }: AdaptedModel): boolean => held === good
