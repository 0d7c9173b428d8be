import type { Pipeline } from '@isthmus/models/pipeline'
import { type DevicePower, type LinkEstimate, StageTimes } from '@isthmus/policies'
import {
  type PipelinePolicy,
  type Placement,
  placementProblem,
  type StageHost,
} from '@isthmus/policies/pipeline'
import { IsthmusError } from '@isthmus/proto'
import type { Clock } from '../clock.ts'
import { deviceError } from '../errors.ts'
import type { LinkCounters } from '../exchange.ts'
import { type FallbackCode, fallbacks } from '../fallback.ts'
import type { ServerLink } from '../server-link.ts'
import { ServerWait } from '../server-wait.ts'
import type { PipelineAnswer } from './answer.ts'
import { dividedRows } from './divided-rows.ts'
import { LocalStages, type OpenStage } from './local-stages.ts'
import { checkInputs, fixedHosts, type PipelineInputs } from './options.ts'
import { PipelineRun, type PipelineShop } from './pipeline-run.ts'
import { loadOf, ServerStages } from './server-stages.ts'
import { StageLane } from './stage-lane.ts'
import type { TalkStats } from './talking.ts'

export interface RunOptions {
  /** Time that this run has, in ms. Default: the pipeline's. */
  readonly deadlineMs?: number
  /** Stage → where it is to run, over what was given when connecting. */
  readonly placement?: Readonly<Record<string, StageHost>>
}

/** Counted since the pipeline was connected. */
export interface PipelineStats {
  readonly runs: number
  /** Stages whose result counted, by where they ran. */
  readonly stages: Readonly<Record<StageHost, number>>
  readonly fallbacks: Readonly<Partial<Record<FallbackCode, number>>>
  readonly late: number
  /** Runs without an answer. */
  readonly failed: number
  readonly policyFailures: number
  readonly link: Readonly<LinkCounters> | undefined
  /** With agents that talk. */
  readonly talk: TalkStats | undefined
}

export interface DevicePipelineParts {
  readonly pipeline: Pick<Pipeline, 'manifest' | 'wiring' | 'key' | 'id'>
  readonly open: OpenStage
  readonly link: ServerLink | undefined
  readonly policy: PipelinePolicy
  readonly talkStats?: (() => TalkStats) | undefined
  readonly placement: Readonly<Record<string, StageHost>>
  readonly clock: Clock
  readonly deadlineMs: number
  readonly hedgeMarginMs: number
  readonly power: DevicePower
}

const TICK_MS = 100
/** What a message holds beside its tensors, at most. */
const HEADER_BYTES = 512

/** A pipeline whose stages run on this device and on a server. Made by `connectPipeline`. */
export class DevicePipeline {
  readonly #parts: DevicePipelineParts
  readonly #fixed: readonly (StageHost | undefined)[]
  readonly #times = new StageTimes({ window: 32 })
  readonly #shop: PipelineShop
  readonly #serverWait: ServerWait
  readonly #running = new Set<PipelineRun>()
  #tickTimer: unknown
  #closed: Promise<void> | undefined
  readonly #stats = {
    runs: 0,
    stages: { device: 0, edge: 0 },
    fallbacks: {} as Partial<Record<FallbackCode, number>>,
    late: 0,
    failed: 0,
    policyFailures: 0,
  }

  constructor(parts: DevicePipelineParts) {
    const { pipeline, open, link, clock, hedgeMarginMs } = parts
    const { wiring, key, id } = pipeline
    this.#parts = parts
    this.#fixed = fixedHosts(wiring, parts.placement)
    this.#shop = {
      ...{ wiring, key, id, clock, link, hedgeMarginMs },
      lane: new StageLane(clock, () => this.#times.upper('timer') ?? 0),
      local: new LocalStages(wiring, open, clock, this.#times),
      server: new ServerStages(),
    }
    const ready = () => link !== undefined && link.refusal() === undefined && link.estimate !== undefined
    this.#serverWait = new ServerWait(clock, ready)
  }

  /** `name@version`. */
  get id(): string {
    return this.#parts.pipeline.id
  }

  get stats(): PipelineStats {
    const { stages, fallbacks } = this.#stats
    const link = this.#parts.link && { ...this.#parts.link.counters }
    return {
      ...this.#stats,
      stages: { ...stages },
      fallbacks: { ...fallbacks },
      link,
      talk: this.#parts.talkStats?.(),
    }
  }

  /** Opens and measures the models, then starts connecting. Throws what opening a model throws. */
  async start(): Promise<void> {
    const { link } = this.#parts
    await this.#shop.local.start()
    if (link) link.onChange = () => this.#serverWait.look()
    link?.start()
    this.#tick()
  }

  /** Resolves with true when a server can be sent to and the link is measured, with false after `waitMs`. */
  async waitForServer(waitMs: number): Promise<boolean> {
    return this.#parts.link !== undefined && this.#serverWait.wait(waitMs)
  }

  /**
   * Runs the pipeline once. Resolves by the deadline, unless the device alone is slower than that (then `late` is set). Inputs
   * must not be written to until then. Throws BAD_INPUT, BAD_OPTIONS, CLOSED; LOCAL_FAILED when a stage gives no
   * result on either side; STAGE_UNAVAILABLE, at the deadline at the latest, when a stage is for servers only and none ran it.
   */
  async run(inputs: PipelineInputs, options: RunOptions = {}): Promise<PipelineAnswer> {
    const { clock, deadlineMs: usualMs, pipeline } = this.#parts
    if (this.#closed) throw deviceError('CLOSED', 'The pipeline has been closed.')
    const startMs = clock.now()
    if (typeof options !== 'object' || options === null) {
      throw deviceError('BAD_OPTIONS', `run takes an object of options, got ${String(options)}.`)
    }
    const { deadlineMs = usualMs, placement } = options
    if (typeof deadlineMs !== 'number' || !(deadlineMs > 0) || deadlineMs > 3_600_000) {
      const got = `${typeof deadlineMs} ${String(deadlineMs)}`
      throw deviceError('BAD_OPTIONS', `deadlineMs must be a number above 0, at most an hour, got ${got}.`)
    }
    const arrays = checkInputs(pipeline.wiring, inputs)
    const asked = placement === undefined ? [] : fixedHosts(pipeline.wiring, placement)
    const fixed = this.#fixed.map((host, stage) => asked[stage] ?? host)
    const { hosts, shares, reason } = this.#place(fixed, deadlineMs)
    const divided = dividedRows(
      pipeline.wiring,
      hosts,
      this.#shop.server.takesRows(startMs) ? shares : undefined,
    )
    const number = ++this.#stats.runs
    const deadlineAtMs = startMs + deadlineMs
    const run = new PipelineRun(this.#shop, {
      number,
      inputs: arrays,
      ...divided,
      reason,
      startMs,
      deadlineAtMs,
    })
    this.#running.add(run)
    run.start()
    try {
      const answer = await run.answer
      this.#count(answer)
      return answer
    } catch (error) {
      this.#stats.failed++
      throw error
    } finally {
      this.#running.delete(run)
    }
  }

  /** Says goodbye, stops the workers. Runs that wait for the server are finished on the device first. */
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
    await this.#shop.local.dispose()
  }

  #place(fixed: readonly (StageHost | undefined)[], deadlineMs: number): Omit<Placement, 'expectedMs'> {
    const { link, pipeline } = this.#parts
    const atHome = pipeline.wiring.stages.map(
      ({ serverOnly }, stage): StageHost => fixed[stage] ?? (serverOnly ? 'edge' : 'device'),
    )
    const refusal = link ? link.refusal() : 'NO_BROKER'
    if (refusal) return { hosts: atHome, reason: fallbacks[refusal] }
    if (fixed.every((host) => host !== undefined)) return { hosts: fixed, reason: 'asked for by the caller' }
    const estimate = link?.estimate
    if (!estimate) return { hosts: atHome, reason: 'the link is not measured yet' }
    try {
      return this.#planned(fixed, estimate, deadlineMs)
    } catch (error) {
      if (error instanceof IsthmusError && error.code === 'NO_HOST')
        return { hosts: atHome, reason: error.message }
      // A policy that fails costs the better answer, not the answer.
      this.#stats.policyFailures++
      const why = error instanceof Error ? error.message : String(error)
      return { hosts: atHome, reason: `the policy failed: ${why}` }
    }
  }

  #planned(
    fixed: readonly (StageHost | undefined)[],
    link: LinkEstimate,
    deadlineMs: number,
  ): Omit<Placement, 'expectedMs'> {
    const { clock, policy, pipeline, power } = this.#parts
    const { lane, local, server, wiring } = this.#shop
    const nowMs = clock.now()
    const serverLink = this.#parts.link!
    const offer = serverLink.pipelineOffer
    const load = loadOf(serverLink.serverState)
    const deviceMs = wiring.stages.map((_, stage) => local.usualMs(stage))
    // Where the user wants the server and it has not got the stage, the run says so.
    const edgeMs = wiring.stages.map(
      (_, stage) =>
        server.usualMs(stage, offer, nowMs) ?? (fixed[stage] === 'edge' ? (deviceMs[stage] ?? 1) : undefined),
    )
    const problem = placementProblem({
      ...{ pipeline, deviceMs, edgeMs, link, fixed, power },
      deviceBusyMs: lane.leftMs(),
      edgeWaitMs: load?.waitMs ?? 0,
      largestBytes: serverLink.largestBytes - HEADER_BYTES,
    })
    const { hosts, shares, reason } = policy.place({ nowMs, deadlineMs, pipeline, problem, link, load })
    if (!Array.isArray(hosts) || hosts.length !== wiring.stages.length)
      throw new Error('it gave no placement')
    for (const [stage, host] of hosts.entries()) {
      const { id, serverOnly } = wiring.stages[stage]!
      if (host !== 'edge' && (host !== 'device' || serverOnly))
        throw new Error(`'${id}' cannot run at ${host}`)
    }
    const placed = { hosts: hosts.map((host, stage) => fixed[stage] ?? host), reason: String(reason) }
    if (shares === undefined) return placed
    if (
      !Array.isArray(shares) ||
      shares.length !== hosts.length ||
      !shares.every((share) => share >= 0 && share <= 1)
    )
      throw new Error('it gave shares that are none')
    // Where the user wants the server, all of it is to run there.
    return { ...placed, shares: shares.map((share, stage) => (fixed[stage] === undefined ? share : 1)) }
  }

  #count({ stages, late, fallback }: PipelineAnswer): void {
    for (const { host } of stages) this.#stats.stages[host]++
    if (late) this.#stats.late++
    if (fallback) this.#stats.fallbacks[fallback] = (this.#stats.fallbacks[fallback] ?? 0) + 1
  }

  #tick(dueMs = this.#parts.clock.now()): void {
    const { clock, link } = this.#parts
    const nowMs = clock.now()
    this.#times.add('timer', nowMs - dueMs)
    link?.tick()
    this.#tickTimer = clock.setTimeout(() => this.#tick(nowMs + TICK_MS), TICK_MS)
  }
}
