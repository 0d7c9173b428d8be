import type { PatchRequest, Sample } from '@isthmus/proto'
import type { Candidate, LearnReport } from './family-learner.ts'
import type { Learner } from './learner-thread.ts'
import type { Outlet, OutPatch } from './publisher.ts'
import { RollbackVotes } from './rollback-votes.ts'
import type { SampleIntake, UploadOutcome } from './sample-intake.ts'

/** When things are done for a family. */
export interface AdaptationPace {
  /** Uploads that are handed over at once. */
  readonly roundSize: number
  /** How long fewer than that may wait, in ms. */
  readonly roundWaitMs: number
  /** A version no sooner than so many steps after the last one. */
  readonly publishSteps: number
  /** And no sooner than so long. */
  readonly publishMs: number
  /** Time between two states on the disk, in ms. */
  readonly saveMs: number
  /** Whether uploads may be written to the disk. */
  readonly keepsPixels: boolean
  /** Of the active devices, the share that must turn a version down, and how many at least. */
  readonly votes: { readonly share: number; readonly fewest: number }
}

/** Told of everything that an operator counts. */
export interface AdaptationObserver {
  uploaded(outcome: UploadOutcome, device: string): void
  learned(report: LearnReport): void
  /** Uploads were lost with a thread that died or a task that failed. */
  lost(uploads: number): void
  published(patch: OutPatch): void
  rolledBack(reason: string, detail: string): void
  saved(bytes: number, ms: number): void
  /** A version could not be made or written. */
  troubled(what: string, detail: string): void
  requested(reason: PatchRequest['reason'], outcome: 'sent' | 'too-often' | 'nothing-newer'): void
}

export interface FamilyAdaptationOptions {
  readonly intake: SampleIntake
  readonly learner: Learner
  readonly publisher: Outlet
  readonly pace: AdaptationPace
  readonly observer: AdaptationObserver
  /** Sends a patch: retained to all, or to one device. */
  readonly send: (patch: OutPatch, device?: string) => void
  /** Monotonic, in milliseconds. */
  readonly clock: () => number
  /** Seconds since 1970. */
  readonly wallS: () => number
}

/**
 * What a server does for one family: takes uploads in, has the learner work through them, lets versions go out, and keeps the state.
 * One thing at a time, none of them on this thread: `tick` starts the next one that is due.
 */
export class FamilyAdaptation {
  /** `name@version` of the bundle that the family comes from. */
  readonly id: string
  readonly #options: FamilyAdaptationOptions
  readonly #votes: RollbackVotes
  #stepsSincePublished = 0
  #stepsSinceSaved = 0
  #publishedMs: number
  #savedMs: number
  /** When the uploads that wait began to. */
  #waitingSinceMs: number | undefined
  #refused: number | undefined
  /** What was to go out could not be written: a version is due whether or not more has been learned. */
  #isOwed = false
  #working: Promise<void> | undefined

  constructor(id: string, options: FamilyAdaptationOptions) {
    this.id = id
    this.#options = options
    this.#votes = new RollbackVotes(options.pace.votes)
    this.#publishedMs = options.clock()
    this.#savedMs = options.clock()
  }

  get version(): number {
    return this.#options.publisher.version
  }

  get waiting(): number {
    return this.#options.intake.waiting.size
  }

  /** The newest patch out once more: a broker may have forgotten it. */
  announce(): void {
    const { publisher, send } = this.#options
    if (publisher.newest) send(publisher.newest)
  }

  sample(device: string, boot: number, sample: Sample, payload: Uint8Array): void {
    const { intake, clock, observer } = this.#options
    const nowMs = clock()
    for (const outcome of intake.receive(device, boot, sample, payload, nowMs)) {
      observer.uploaded(outcome, device)
      if (outcome === 'taken') this.#waitingSinceMs ??= nowMs
    }
  }

  /** A device asks for the newest patch, or says that it has gone back from one. */
  request(device: string, asked: PatchRequest): void {
    const { reason, refused } = asked
    const { intake, publisher, clock, observer, send } = this.#options
    const nowMs = clock()
    const active = intake.waiting.activeDevices(nowMs)
    const { newest } = publisher
    // What another epoch called by that number was something else.
    const isOurs = asked.refusedEpoch === newest?.epoch
    if (reason === 'rolledBack' && isOurs && this.#votes.add(device, refused, publisher.version, active))
      this.#refused = Math.min(refused, this.#refused ?? refused)
    const is = (version: number, epoch: number) => newest?.version === version && newest.epoch === epoch
    const isNewer =
      newest !== undefined && !is(asked.version, asked.epoch) && !is(refused, asked.refusedEpoch)
    if (!isNewer) observer.requested(reason, 'nothing-newer')
    else if (!intake.mayHaveSnapshot(device, nowMs)) observer.requested(reason, 'too-often')
    else {
      observer.requested(reason, 'sent')
      send(newest, device)
    }
  }

  /** Starts what is due, when nothing is being done. To be called often. */
  tick(): void {
    if (this.#working || !this.#options.learner.idle) return
    const work = this.#next()
    if (!work) return
    this.#working = work().finally(() => {
      this.#working = undefined
    })
  }

  /** Resolves when nothing is being done. */
  async settled(): Promise<void> {
    await this.#working
  }

  /** Finishes what is being done, writes the state, and lets the thread go. */
  async close(): Promise<void> {
    await this.#working
    if (this.#options.learner.idle) await this.#save()
    await this.#options.learner.close()
  }

  #next(): (() => Promise<void>) | undefined {
    const { pace, clock, intake } = this.#options
    const nowMs = clock()
    if (this.#refused !== undefined) return () => this.#rollBack(this.#refused!)
    const hasNews = this.#isOwed || this.#stepsSincePublished >= pace.publishSteps
    const isPublishDue = hasNews && nowMs - this.#publishedMs >= pace.publishMs
    if (isPublishDue) return () => this.#publishCandidate()
    if (this.#stepsSinceSaved > 0 && nowMs - this.#savedMs >= pace.saveMs) return () => this.#save()
    const { size } = intake.waiting
    const waitedMs = nowMs - (this.#waitingSinceMs ?? nowMs)
    if (size >= pace.roundSize || (size > 0 && waitedMs >= pace.roundWaitMs)) return () => this.#learn()
    return undefined
  }

  async #learn(): Promise<void> {
    const { intake, learner, clock, pace, observer } = this.#options
    const nowMs = clock()
    const uploads = intake.waiting.take(pace.roundSize, nowMs, 1)!
    this.#waitingSinceMs = intake.waiting.size > 0 ? nowMs : undefined
    const report = await learner.run({ kind: 'learn', uploads, nowMs, statistics: intake.centre(nowMs) })
    if (!report) return observer.lost(uploads.length)
    this.#stepsSincePublished += report.steps
    this.#stepsSinceSaved += report.steps
    observer.learned(report)
  }

  async #publishCandidate(): Promise<void> {
    const candidate = await this.#options.learner.run({ kind: 'candidate' })
    if (candidate) await this.#publish(candidate)
    // Else the thread has died, and what it had learned since the last state with it.
    else this.#stepsSincePublished = 0
  }

  async #rollBack(version: number): Promise<void> {
    const candidate = await this.#options.learner.run({ kind: 'rollBack', version })
    // Tried again at the next tick when the thread has died over it.
    if (!candidate) return
    if (this.#refused === version) this.#refused = undefined
    this.#votes.clear()
    await this.#publish(candidate)
  }

  async #publish({ parameters, rolledBack }: Candidate): Promise<void> {
    const { publisher, learner, observer, send, clock, wallS } = this.#options
    if (rolledBack) observer.rolledBack(rolledBack.reason, rolledBack.detail)
    this.#stepsSincePublished = 0
    this.#publishedMs = clock()
    try {
      const patch = await publisher.publish(parameters, wallS())
      this.#isOwed = false
      learner.published(patch.version)
      send(patch)
      observer.published(patch)
    } catch (error) {
      this.#isOwed = true
      observer.troubled('publish', error instanceof Error ? error.message : String(error))
    }
  }

  async #save(): Promise<void> {
    const { learner, intake, clock, pace, observer } = this.#options
    this.#savedMs = clock()
    const state = intake.state(this.#savedMs, pace.keepsPixels)
    const saved = await learner.run({ kind: 'save', intake: state })
    if (!saved) return
    this.#stepsSinceSaved = 0
    observer.saved(saved.bytes, saved.ms)
  }
}
