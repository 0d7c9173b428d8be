import { delayS, type EnvironmentPolicy, energyJ, type MecObservation } from '../env/index.ts'
import { policyError } from '../errors.ts'
import { workLeftS } from './least-work.ts'

export interface LinUcbOptions {
  /** Width of the confidence bound (α of the paper), in units of weighted reward. Default 0.05. */
  readonly width?: number
  /** Weight of the prior that all coefficients are 0. Default 1. */
  readonly ridge?: number
}

/** Constant; own seconds of service; jobs; their product; seconds of work left; scaled energy of execution. */
const FEATURES = 6
const OBJECTIVES = 2

/** What is known of one server. */
interface Arm {
  /** Inverse of ridge·I + Σ x·xᵀ, `[FEATURES, FEATURES]`. */
  readonly inverse: Float64Array
  /** Σ x·reward, `[objective, FEATURES]`. */
  readonly rewards: Float64Array
}

/**
 * LinUCB with disjoint arms (Li et al. 2010, algorithm 1): each server is an arm, its rewards are linear in what is seen of
 * it, and the server with the highest upper bound of the weighted reward gets the task. It learns online from the rewards of
 * the servers that it chose, each objective by itself, so that a new preference costs nothing of what was learnt. A contextual
 * bandit: how a placement burdens later tasks is beyond it. What it learnt stays when an episode begins; {@link forget} drops it.
 */
export class LinUcb implements EnvironmentPolicy<MecObservation> {
  readonly name = 'LinUCB'
  evaluations = 0
  private readonly width: number
  private readonly ridge: number
  private readonly arms: Arm[] = []
  private readonly x = new Float64Array(FEATURES)
  private readonly inverseX = new Float64Array(FEATURES)

  /** Throws IsthmusError `BAD_OPTION`. */
  constructor({ width = 0.05, ridge = 1 }: LinUcbOptions = {}) {
    if (!(width >= 0 && width < Infinity)) {
      throw policyError('BAD_OPTION', `LinUCB: width is ${width}; it must be 0 or more`)
    }
    if (!(ridge > 0 && ridge < Infinity)) {
      throw policyError('BAD_OPTION', `LinUCB: ridge is ${ridge}; it must be above 0`)
    }
    this.width = width
    this.ridge = ridge
  }

  begin(): void {}

  forget(): void {
    this.arms.length = 0
  }

  act(observation: MecObservation, weights: ArrayLike<number>): number {
    const { servers, taskBits } = observation
    if (taskBits === 0) return 0
    while (this.arms.length < servers) this.arms.push(newArm(this.ridge))
    let best = 0
    let bestBound = -Infinity
    for (let server = 0; server < servers; server++) {
      const bound = this.upperBound(observation, server, weights)
      if (bound <= bestBound) continue
      best = server
      bestBound = bound
    }
    this.evaluations += servers
    this.learn(observation, best)
    return best
  }

  private upperBound(observation: MecObservation, server: number, weights: ArrayLike<number>): number {
    const { x, inverseX } = this
    const { rewards } = this.look(observation, server)
    let mean = 0
    let variance = 0
    for (let at = 0; at < FEATURES; at++) {
      let weighted = 0
      for (let k = 0; k < OBJECTIVES; k++) weighted += weights[k]! * rewards[k * FEATURES + at]!
      mean += inverseX[at]! * weighted
      variance += inverseX[at]! * x[at]!
    }
    return mean + this.width * Math.sqrt(Math.max(0, variance))
  }

  /** The reward of the chosen server comes in: its own marginal delay and energy, and those alone. */
  private learn(observation: MecObservation, server: number): void {
    const { x, inverseX } = this
    const { inverse, rewards } = this.look(observation, server)
    const delay = -observation.delayScale * delayS(observation, server)
    const energy = -observation.energyScale * energyJ(observation, server)
    let scale = 1
    for (let at = 0; at < FEATURES; at++) {
      rewards[at] = rewards[at]! + x[at]! * delay
      rewards[FEATURES + at] = rewards[FEATURES + at]! + x[at]! * energy
      scale += x[at]! * inverseX[at]!
    }
    // Sherman and Morrison's update of the inverse.
    for (let row = 0; row < FEATURES; row++) {
      for (let column = 0; column < FEATURES; column++) {
        const at = row * FEATURES + column
        inverse[at] = inverse[at]! - (inverseX[row]! * inverseX[column]!) / scale
      }
    }
  }

  /** Writes the features of a server to `x` and the product of its inverse with them to `inverseX`. */
  private look(observation: MecObservation, server: number): Arm {
    const { x, inverseX } = this
    const { queues, taskBits, executionJPerBit, energyScale } = observation
    const arm = this.arms[server]!
    const serviceS = taskBits / queues.speedBps[server]!
    const jobs = queues.jobs[server]! + queues.uploads[server]!
    x[0] = 1
    x[1] = serviceS
    x[2] = jobs
    x[3] = serviceS * jobs
    x[4] = workLeftS(observation, server)
    x[5] = energyScale * taskBits * executionJPerBit[server]!
    for (let row = 0; row < FEATURES; row++) {
      let sum = 0
      for (let at = 0; at < FEATURES; at++) sum += arm.inverse[row * FEATURES + at]! * x[at]!
      inverseX[row] = sum
    }
    return arm
  }
}

function newArm(ridge: number): Arm {
  const inverse = new Float64Array(FEATURES * FEATURES)
  for (let at = 0; at < FEATURES; at++) inverse[at * FEATURES + at] = 1 / ridge
  return { inverse, rewards: new Float64Array(OBJECTIVES * FEATURES) }
}
