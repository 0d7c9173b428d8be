import type { Mode } from '@isthmus/models/bundle'
import type { Plan, Policy, Preference, StageTimes } from '@isthmus/policies'
import type { Clock } from './clock.ts'
import { deviceError } from './errors.ts'
import type { Frame } from './frame.ts'
import type { InferOptions } from './infer-options.ts'
import type { ModeTable } from './mode-table.ts'
import type { ServerLink } from './server-link.ts'

/** What becomes of a frame. */
export interface Choice {
  /** None: the frame is to be skipped. */
  readonly mode: Mode | undefined
  readonly reason: string
  /** The caller has decided: filter and exit have no say. */
  readonly asked?: true
  readonly probeLocal?: boolean
}

export interface PlannerParts {
  readonly policy: Policy
  readonly modes: ModeTable
  readonly times: StageTimes
  /** `backlog`: local answers that are wanted now and not finished. */
  readonly lane: { readonly backlog: number }
  readonly link: ServerLink | undefined
  readonly clock: Clock
}

/** Chooses a mode for each frame: the one that the caller asks for, else the policy's, else, where that fails, the local one. */
export class FramePlanner {
  readonly #parts: PlannerParts

  constructor(parts: PlannerParts) {
    this.#parts = parts
  }

  /**
   * Throws UNKNOWN_MODE, and BAD_FRAME for a tensor that the caller wants sent as an image; what the policy throws only where the bundle has no local
   * model.
   */
  plan(frame: Frame, deadlineMs: number, { route, mode: id }: InferOptions, preference: Preference): Choice {
    const { modes } = this.#parts
    const isTensor = frame instanceof Float32Array
    if (route !== undefined || id !== undefined) {
      const mode = modes.find(route, id)
      if (isTensor && mode.route === 'edge') {
        throw deviceError('BAD_FRAME', 'A tensor cannot be sent as an image: choose another route.')
      }
      return { mode, reason: 'asked for by the caller', asked: true }
    }
    try {
      const plan = this.#decide(deadlineMs, isTensor, preference)
      if (typeof plan?.route !== 'string') throw new Error('it gave no plan')
      const mode = plan.route === 'skip' ? undefined : modes.find(plan.route, plan.mode)
      if (isTensor && mode?.route === 'edge') throw new Error('it sends a tensor as an image')
      return { mode, reason: plan.reason, probeLocal: plan.probeLocal ?? false }
    } catch (error) {
      // A policy that fails costs the better answer, not the answer.
      const mode = modes.local
      if (!mode) throw error
      const why = error instanceof Error ? error.message : String(error)
      return { mode, reason: `the policy failed: ${why}` }
    }
  }

  /** How often a stage or the link has left its level. */
  get drifts(): number {
    const { times, link } = this.#parts
    const stages = times.stages().filter((stage) => stage !== 'timer')
    return stages.reduce((sum, stage) => sum + times.drifts(stage), link?.drifts ?? 0)
  }

  #decide(deadlineMs: number, isTensor: boolean, preference: Preference): Plan {
    const { link, policy, clock, modes, times, lane } = this.#parts
    const allowed = (mode: Mode) =>
      (mode.route !== 'edge' || !isTensor) &&
      (mode.route === 'local' || link?.refusal(mode.id) !== 'MODE_REFUSED')
    const estimate = link?.estimate
    return policy.decide({
      nowMs: clock.now(),
      deadlineMs,
      online: link !== undefined && link.refusal() === undefined,
      ...(estimate ? { link: estimate } : {}),
      modes: modes.estimates(times, lane.backlog, estimate, allowed),
      creditsLeft: link?.creditsLeft ?? 0,
      preference,
      drifts: this.drifts,
    })
  }
}
