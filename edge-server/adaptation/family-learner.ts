import {
  type AdaptableNetwork,
  adaptableNetwork,
  CemaEngine,
  type CemaOptions,
  type CemaSettings,
  type CemaState,
  cemaSettings,
  checkNormParameters,
  type Moments,
  type NormParameters,
} from '@isthmus/models/adapt'
import type { Model } from '@isthmus/models/onnx'
import { FairQueue, type FairQueueState, type Upload } from './fair-queue.ts'
import {
  type Answers,
  type GuardLimits,
  type GuardReason,
  guardLimits,
  judgeCandidate,
} from './model-guard.ts'
import type { Picture } from './picture.ts'
import { readUploads } from './read-uploads.ts'
import {
  ImageAnswers,
  type Judgement,
  type JudgeSettings,
  judgeUploads,
  type Usual,
  UsualEntropy,
} from './sample-judge.ts'
import { UsualLook } from './usual-look.ts'

/** Clean images that every version is tried on. */
export interface Probe {
  /** Planar 8-bit RGB, [C, H, W] each. */
  readonly images: readonly Uint8Array[]
  /** Their classes; without them, the packed network's own answers take their place. */
  readonly labels?: readonly number[]
}

export interface LearnerOptions {
  readonly student: Model
  readonly foundation: Model
  readonly mean: readonly number[]
  readonly std: readonly number[]
  readonly settings?: Partial<CemaSettings>
  readonly judge?: JudgeSettings
  readonly guard?: GuardLimits
  readonly probe?: Probe
  /** Times its fair share that one device may have of a training batch. */
  readonly fairness?: number
  readonly activeForMs?: number
  /** Whether a round without a full batch is a step from the store. */
  readonly replaySteps?: boolean
  readonly threads?: number
}

/** Where learning stands, as plain data. */
export interface LearnerState {
  readonly engine: CemaState
  readonly judged: FairQueueState
  readonly recent: readonly Uint8Array[]
  readonly usual: ReadonlyMap<string, readonly number[]>
  /** Traits of each device's latest uploads. Missing in states of earlier releases. */
  readonly look?: ReadonlyMap<string, readonly Float64Array[]>
  /** The newest version that has gone out of it. */
  readonly version: number
  /** What the guard has let pass last: steps after it may have done harm. Missing in states of earlier releases. */
  readonly good?: LearnerState
}

/** What a round of learning did. */
export interface LearnReport {
  /** Steps done, those from the store included. */
  readonly steps: number
  readonly judgements: readonly Judgement[]
  readonly studentLoss: number | undefined
  /** Uploads in the replay buffer. */
  readonly stored: number
}

/** The student as it could go out, or what it fell back to. */
export interface Candidate {
  readonly parameters: NormParameters
  /** Why the newest parameters were given up; undefined when these are the newest. */
  readonly rolledBack:
    | { readonly reason: GuardReason | 'not-finite' | 'device-votes'; readonly detail: string }
    | undefined
}

/**
 * A lower limit of entropy loses honest uploads under a strong shift; without one, noise of a few devices ruins the student (bench `adapt`,
 * poison). The look: with less margin more honest uploads are lost, with more, noise passes.
 */
export const judgeSettings: JudgeSettings = {
  unsureShare: 0.6,
  steady: true,
  look: { support: 0.2, margin: 0.5 },
}
/**
 * Rate and loss chosen on damages outside the benchmark's fifteen: a faster student, held more to what its teacher says than to being sure.
 * Statistics move twice as fast as in the authors' code, for here a shift begins in the middle of a stream: bench `adapt`, live.
 */
export const engineSettings: Partial<CemaSettings> = {
  studentRate: 0.006,
  loss: { alpha: 0.5, beta: 5, gamma: 1, temperature: 1 },
  statisticsShare: 0.2,
}
export const FAIRNESS = 1.5
const ACTIVE_FOR_MS = 600_000
const JUDGED_LIMIT = 2048
const JUDGED_PER_DEVICE = 256
const RECENT = 256
/** Good states that can be gone back to. Their images are shared, their parameters are not. */
const GOOD_STATES = 4

interface GoodState {
  /** Undefined until it has gone out. */
  version: number | undefined
  readonly state: LearnerState
}

/**
 * Learns for one family: judges uploads with the foundation, composes batches of which no device has more than its bounded share,
 * lets the engine learn, and lets nothing go out that does not pass the guard. Runs where it may block: in a worker.
 */
export class FamilyLearner {
  readonly #options: LearnerOptions
  readonly #student: ImageAnswers
  readonly #foundation: ImageAnswers
  readonly #probe:
    | { readonly images: readonly Uint8Array[]; readonly packed: Answers; readonly truth: ArrayLike<number> }
    | undefined
  #engine: CemaEngine
  #judged: FairQueue
  #recent: Uint8Array[]
  #usual: Usual
  #good: GoodState[] = []
  #nowMs = 0
  #version: number

  private constructor(
    options: LearnerOptions,
    engine: CemaEngine,
    answers: { student: ImageAnswers; foundation: ImageAnswers },
    probe: { images: readonly Uint8Array[]; packed: Answers; truth: ArrayLike<number> } | undefined,
    state: LearnerState | undefined,
  ) {
    this.#options = options
    this.#engine = engine
    this.#student = answers.student
    this.#foundation = answers.foundation
    this.#probe = probe
    this.#judged = this.#queue(state?.judged)
    this.#recent = [...(state?.recent ?? [])]
    this.#usual = this.#usualOf(state)
    this.#version = state?.version ?? 0
  }

  /** Throws what `CemaEngine.open` throws, and NORM_MISMATCH for a state or a probe that does not fit. */
  static async open(options: LearnerOptions, state?: LearnerState): Promise<FamilyLearner> {
    const { mean, std, threads = 1 } = options
    const engine = await CemaEngine.open(engineOptions(options, state?.engine))
    const student = adaptableNetwork(options.student)
    const answers = {
      student: await ImageAnswers.open(student, { mean, std, threads }),
      foundation: await ImageAnswers.open(adaptableNetwork(options.foundation), { mean, std, threads }),
    }
    const { probe } = options
    const packed = probe && (await answers.student.answer(probe.images, student.source))
    const tried = probe && packed && { images: probe.images, packed, truth: probe.labels ?? packed.labels }
    const learner = new FamilyLearner(options, engine, answers, tried, state)
    const good = state?.good ?? learner.#now()
    learner.#good.push({ version: good.version, state: good })
    return learner
  }

  /** The student, as it was packed. */
  get network(): AdaptableNetwork {
    return this.#student.network
  }

  /** Uploads in the replay buffer. */
  get stored(): number {
    return this.#engine.state().store.length
  }

  /** Learns from uploads as far as they fill batches, with the statistics that devices run with, where they are known. */
  async learn(
    uploads: readonly Upload<Picture>[],
    nowMs: number,
    statistics?: Moments,
  ): Promise<LearnReport> {
    this.#nowMs = nowMs
    const read = await readUploads(uploads, this.network.imageDims)
    const readable = read.filter((upload) => upload !== undefined)
    const verdicts = await judgeUploads(
      this.#foundation,
      this.#engine.state().foundation.parameters,
      readable,
      this.#options.judge ?? judgeSettings,
      this.#usual,
    )
    readable.forEach((upload, at) => {
      if (verdicts[at] !== 'kept') return
      this.#judged.add(upload, nowMs)
      this.#recent.push(upload.pixels)
    })
    const judgements = read.map((upload) => (upload ? verdicts[readable.indexOf(upload)]! : 'unreadable'))
    this.#recent.splice(0, this.#recent.length - RECENT)
    let steps = 0
    let studentLoss: number | undefined
    for (let batch = this.#nextBatch(); batch; batch = this.#nextBatch()) {
      for (const { pixels } of batch) this.#engine.add(pixels)
      if (statistics) this.#engine.useStatistics(statistics)
      studentLoss = (await this.#engine.tick())!.studentLoss
      steps++
    }
    if (steps === 0 && (this.#options.replaySteps ?? true)) {
      if (statistics) this.#engine.useStatistics(statistics)
      const report = await this.#engine.tick()
      if (report) [studentLoss, steps] = [report.studentLoss, 1]
    }
    return { steps, judgements, studentLoss, stored: this.stored }
  }

  /** The newest parameters when they pass the guard, else those of the last good version, from which learning then goes on. */
  async candidate(): Promise<Candidate> {
    const parameters = this.#engine.parameters()
    const verdict = await this.#verdict(parameters)
    if (verdict === undefined) {
      // One that could not be written makes room: else a full disk pushes all out that went out.
      const out = this.#good.filter(({ version }) => version !== undefined)
      this.#good = [...out, { version: undefined, state: this.#now() }].slice(-GOOD_STATES)
      return { parameters, rolledBack: undefined }
    }
    await this.fallBack()
    return { parameters: this.#engine.parameters(), rolledBack: verdict }
  }

  /** Gives up what was learned since the last good state. */
  fallBack(): Promise<void> {
    return this.#restore(this.#good.at(-1)!.state)
  }

  /** The last candidate has gone out with this number. */
  published(version: number): void {
    this.#version = version
    this.#good.at(-1)!.version = version
  }

  /** Gives up a version that devices have turned down, and all that was learned since. */
  async rollBack(version: number): Promise<Candidate> {
    const older = this.#good.filter((good) => good.version !== undefined && good.version < version)
    this.#good = older.length > 0 ? older : [{ version: 0, state: await this.#packedState() }]
    await this.fallBack()
    return {
      parameters: this.#engine.parameters(),
      rolledBack: { reason: 'device-votes', detail: `devices have turned version ${version} down` },
    }
  }

  /** `withPixels`: false leaves out all that was uploaded. */
  state(withPixels = true): LearnerState {
    const { version, state } = this.#good.at(-1)!
    const good = { ...state, version: version ?? state.version }
    const now = this.#now()
    return withPixels ? { ...now, good } : { ...withoutPixels(now), good: withoutPixels(good) }
  }

  async dispose(): Promise<void> {
    await this.#engine.dispose()
    await this.#student.dispose()
    await this.#foundation.dispose()
  }

  #now(): LearnerState {
    return {
      engine: this.#engine.state(),
      judged: this.#judged.state(this.#nowMs),
      recent: [...this.#recent],
      ...this.#usualState(),
      version: this.#version,
    }
  }

  #nextBatch(): Upload[] | undefined {
    return this.#judged.take(this.#engine.settings.batch, this.#nowMs)
  }

  async #verdict(parameters: NormParameters): Promise<Candidate['rolledBack']> {
    const { network } = this.#student
    try {
      checkNormParameters(parameters, network.layout)
    } catch (error) {
      return { reason: 'not-finite', detail: (error as Error).message }
    }
    const foundation = this.#foundation.network
    const verdict = judgeCandidate(
      {
        classes: network.classes,
        recent: {
          candidate: await this.#student.answer(this.#recent, parameters),
          reference: await this.#foundation.answer(this.#recent, foundation.source),
          teacher: await this.#foundation.answer(this.#recent, this.#engine.state().foundation.parameters),
        },
        ...(this.#probe
          ? {
              probe: {
                candidate: await this.#student.answer(this.#probe.images, parameters),
                packed: this.#probe.packed,
                truth: this.#probe.truth,
              },
            }
          : {}),
      },
      this.#options.guard ?? guardLimits,
    )
    return verdict.reason === undefined ? undefined : { reason: verdict.reason, detail: verdict.detail }
  }

  async #restore(state: LearnerState): Promise<void> {
    await this.#engine.dispose()
    this.#engine = await CemaEngine.open(engineOptions(this.#options, state.engine))
    // What was judged since may be what did the harm.
    this.#judged = this.#queue(state.judged)
    this.#recent = [...state.recent]
    this.#usual = this.#usualOf(state)
  }

  async #packedState(): Promise<LearnerState> {
    const fresh = await CemaEngine.open(engineOptions(this.#options))
    const engine = fresh.state()
    await fresh.dispose()
    return { engine, judged: { devices: [] }, recent: [], usual: new Map(), version: 0 }
  }

  #usualOf(state: LearnerState | undefined): Usual {
    const { look } = this.#options.judge ?? judgeSettings
    return { entropy: new UsualEntropy(state?.usual), look: look && new UsualLook(look, state?.look) }
  }

  #usualState(): Pick<LearnerState, 'usual' | 'look'> {
    const { entropy, look } = this.#usual
    return { usual: entropy.state(), ...(look ? { look: look.state() } : {}) }
  }

  #queue(state: FairQueueState | undefined): FairQueue {
    const { fairness = FAIRNESS, activeForMs = ACTIVE_FOR_MS } = this.#options
    const options = { limit: JUDGED_LIMIT, perDevice: JUDGED_PER_DEVICE, fairness, activeForMs }
    return new FairQueue(options, state, this.#nowMs)
  }
}

const withoutPixels = (state: LearnerState): LearnerState => ({
  ...state,
  engine: { ...state.engine, queue: [], store: [], storeNext: 0 },
  judged: { devices: [] },
  recent: [],
})

const engineOptions = (
  { student, foundation, mean, std, settings, threads = 1 }: LearnerOptions,
  state?: CemaState,
): CemaOptions => ({
  student,
  foundation,
  mean,
  std,
  settings: { ...cemaSettings, ...engineSettings, ...settings },
  threads,
  ...(state ? { state } : {}),
})
