import { StageTimes } from '@isthmus/policies'
import type { ServerLoad } from '@isthmus/policies/pipeline'
import type { PipelineOffer, State } from '@isthmus/proto'

/** What was measured counts for so long; after that the server is taken at its word again. */
const STALE_MS = 30_000
/** No stage and no queue is believed to take longer. */
const LONGEST_MS = 60_000
const MOST_WORKERS = 65_536

const stageName = (stage: number): string => `${stage}`

/**
 * What stages take on the server: as measured lately, else as the server says. Whatever it says is bounded, and gives way to the
 * first reply: times in a reply are believed as far as the exchange took, by the device's own clock.
 */
export class ServerStages {
  readonly #times = new StageTimes({ window: 16 })
  readonly #measuredMs = new Map<number, number>()
  #refusedRowsMs = Number.NEGATIVE_INFINITY

  /** The server does not divide rows, or not these: for a while it is asked for whole stages. */
  refuseRows(nowMs: number): void {
    this.#refusedRowsMs = nowMs
  }

  takesRows(nowMs: number): boolean {
    return nowMs - this.#refusedRowsMs > STALE_MS
  }

  /**
   * Takes the times of a reply; `elapsedMs`: from asking to the reply's arrival. Returns what is believed of each.
   *
   * @param part share of the stage's rows that was run
   */
  add(
    stages: readonly number[],
    stageUs: readonly number[],
    elapsedMs: number,
    nowMs: number,
    part = 1,
  ): number[] {
    const said = stageUs.map((us) => us / 1000)
    const sum = said.reduce((total, ms) => total + ms, 0)
    const share = sum > elapsedMs ? elapsedMs / sum : 1
    return stages.map((stage, at) => {
      const ms = Math.min(LONGEST_MS, said[at]! * share)
      this.#times.add(stageName(stage), Math.min(LONGEST_MS, ms / part))
      this.#measuredMs.set(stage, nowMs)
      return ms
    })
  }

  /** No reply came though the server has had `elapsedMs`: it took that long at least, shared out as was expected of the stages. */
  overdue(
    stages: readonly number[],
    elapsedMs: number,
    offer: PipelineOffer | undefined,
    nowMs: number,
  ): void {
    const expected = stages.map((stage) => Math.max(0.001, this.usualMs(stage, offer, nowMs) ?? 0.001))
    const sum = expected.reduce((total, ms) => total + ms, 0)
    if (!(elapsedMs > sum)) return
    for (const [at, stage] of stages.entries()) {
      this.#times.add(stageName(stage), Math.min(LONGEST_MS, (expected[at]! * elapsedMs) / sum))
      this.#measuredMs.set(stage, nowMs)
    }
  }

  /** Usual time of a run there, in ms; undefined: the server does not have the stage. */
  usualMs(stage: number, offer: PipelineOffer | undefined, nowMs: number): number | undefined {
    const saidUs = offer?.stageUs[stage] ?? 0
    if (saidUs === 0) return undefined
    const measuredMs = this.#measuredMs.get(stage)
    const fresh = measuredMs !== undefined && nowMs - measuredMs <= STALE_MS
    const usual = fresh ? this.#times.median(stageName(stage)) : undefined
    return Math.min(LONGEST_MS, usual ?? saidUs / 1000)
  }
}

/** What the server says of its load, as far as that can be. */
export function loadOf(state: State | undefined): ServerLoad | undefined {
  if (!state) return undefined
  const workers = Math.min(MOST_WORKERS, state.workers)
  return {
    queued: Math.min(MOST_WORKERS, state.queued),
    busy: Math.min(workers, state.busy),
    workers,
    waitMs: Math.min(LONGEST_MS, state.waitUs / 1000),
  }
}
