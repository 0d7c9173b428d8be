import { withoutDominated } from '@isthmus/models/bundle'
import { LinkEstimator } from '../link-estimator.ts'
import { type MeasuredCostOptions, measuredCostController } from '../measured-cost-controller.ts'
import type { ModeEstimate, Policy } from '../plan.ts'
import { StageTimes } from '../stage-times.ts'
import { type Chooser, type FrameTimes, PROBE_BYTES } from './replay.ts'
import { type SlimmableMode, slimmableModes } from './slimmable-modes.ts'

/** A device measures its link with a small probe when none has come back for this long, in ms. */
const PROBE_MS = 4000

/**
 * The device's own controller, stage times and link estimate on a replayed frame. It starts as a device does: nothing
 * is known of the stages, and a first probe has measured nothing but the round trip.
 */
export class MeasuredChooser implements Chooser {
  readonly #modes = withoutDominated(slimmableModes.map((mode) => ({ ...mode, headMacs: mode.encoders })))
  readonly #policy: Policy
  readonly #times = new StageTimes({ window: 32 })
  readonly #link = new LinkEstimator()
  #probedMs = Number.NEGATIVE_INFINITY

  constructor(options: MeasuredCostOptions = {}) {
    this.#policy = measuredCostController(options)
  }

  choose(nowMs: number, deadlineMs: number): number {
    const link = this.#link.estimate(nowMs)
    const modes = this.#modes.map((mode) => this.#estimate(mode))
    const stages = this.#times.stages()
    const drifts = stages.reduce((sum, stage) => sum + this.#times.drifts(stage), this.#link.drifts)
    const observation = { nowMs, deadlineMs, online: true, modes, creditsLeft: 1, drifts }
    return this.#policy.decide(link ? { ...observation, link } : observation).mode
  }

  learn(nowMs: number, { mode, encoderMs, transferMs, decoderMs, probeMs }: FrameTimes): void {
    this.#times.add(`head:${mode.encoders}`, encoderMs)
    this.#times.add('server', decoderMs)
    this.#link.add({ nowMs, bytes: mode.payloadBytes, elapsedMs: transferMs })
    if (nowMs - this.#probedMs < PROBE_MS) return
    this.#probedMs = nowMs
    this.#link.add({ nowMs, bytes: PROBE_BYTES, elapsedMs: probeMs })
  }

  #estimate({ id, encoders, payloadBytes, accuracy }: SlimmableMode): ModeEstimate {
    const head = this.#head(encoders)
    const serverMs = this.#times.upper('server') ?? 0
    const medianMs = head.medianMs + (this.#times.median('server') ?? 0)
    return { mode: id, route: 'split', accuracy, payloadBytes, deviceMs: head.upperMs, serverMs, medianMs }
  }

  /** Until a number of encoders was measured: in proportion to the nearest one that was. */
  #head(encoders: number): { upperMs: number; medianMs: number } {
    const measured = [1, 2, 3, 4].filter((n) => this.#times.count(`head:${n}`) > 0)
    const nearest = measured.sort((a, b) => Math.abs(a - encoders) - Math.abs(b - encoders))[0]
    if (nearest === undefined) return { upperMs: 0, medianMs: 0 }
    const share = encoders / nearest
    const stage = `head:${nearest}`
    return { upperMs: share * this.#times.upper(stage)!, medianMs: share * this.#times.median(stage)! }
  }
}
