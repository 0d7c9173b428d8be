import { openSession, type Session } from '@isthmus/models/runtime'
import type { EnvironmentPolicy } from '../../env/index.ts'
import type { PolicyNetwork } from '../collect/collector-jobs.ts'
import type { CandidateEncoding } from '../encoding/candidate-encoding.ts'
import { weigh } from '../encoding/preference.ts'
import { policyModel } from './policy-model.ts'

/** Decides for several observations of one system at once. */
export interface GroupPolicy<Observation> {
  /** Writes an action for each observation; a promise where that takes time. One call at a time. */
  act(
    observations: readonly Observation[],
    weights: ArrayLike<number>,
    actions: Int32Array,
  ): void | Promise<void>
}

/** A policy that looks at one observation after the other. */
export const oneByOne = <Observation>(policy: EnvironmentPolicy<Observation>): GroupPolicy<Observation> => ({
  act(observations, weights, actions) {
    for (const [at, observation] of observations.entries()) actions[at] = policy.act(observation, weights)
  },
})

/** A network that scores the candidates of all observations in one run of ONNX Runtime. To be disposed of. */
export class NetworkGroup<Observation> implements GroupPolicy<Observation> {
  readonly #encoding: CandidateEncoding<Observation>
  readonly #session: Session
  readonly #places: number
  #rows = new Float32Array(0)
  #context = new Float32Array(0)

  private constructor(encoding: CandidateEncoding<Observation>, places: number, session: Session) {
    this.#encoding = encoding
    this.#places = places
    this.#session = session
  }

  /** @param places candidates of an observation at most */
  static async open<Observation>(
    encoding: CandidateEncoding<Observation>,
    places: number,
    network: PolicyNetwork,
  ): Promise<NetworkGroup<Observation>> {
    const session = await openSession(policyModel(network), { intraOpThreads: 1 })
    return new NetworkGroup(encoding, places, session)
  }

  async act(
    observations: readonly Observation[],
    weights: ArrayLike<number>,
    actions: Int32Array,
  ): Promise<void> {
    const { rowLength, contextLength } = this.#encoding
    const count = observations.length
    const candidates = this.#encode(observations, weights)
    const { scores } = await this.#session.run({
      rows: {
        dtype: 'float32',
        dims: [count, candidates, rowLength],
        data: this.#rows.subarray(0, count * candidates * rowLength),
      },
      context: {
        dtype: 'float32',
        dims: [count, contextLength],
        data: this.#context.subarray(0, count * contextLength),
      },
      mask: {
        dtype: 'float32',
        dims: [count, candidates],
        data: new Float32Array(count * candidates).fill(1),
      },
    })
    for (const [at, observation] of observations.entries())
      actions[at] = this.#best(observation, scores!.data as Float32Array, at * candidates, candidates)
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }

  /** Returns how many candidates each has: in one system all have as many. */
  #encode(observations: readonly Observation[], weights: ArrayLike<number>): number {
    const encoding = this.#encoding
    const { rowLength, contextLength } = encoding
    if (this.#context.length < observations.length * contextLength) {
      this.#context = new Float32Array(observations.length * contextLength)
      this.#rows = new Float32Array(observations.length * this.#places * rowLength)
    }
    const [rows, context] = [this.#rows, this.#context]
    let candidates = 0
    for (const [at, observation] of observations.entries()) {
      const rowsAt = at * candidates * rowLength
      candidates = encoding.encode(observation, rows, rowsAt, context, at * contextLength)
      weigh(weights, candidates, rows, rowsAt, rowLength, context, at * contextLength)
    }
    return candidates
  }

  #best(observation: Observation, scores: Float32Array, first: number, candidates: number): number {
    let best = -1
    for (let candidate = 0; candidate < candidates; candidate++) {
      if (this.#encoding.allowed?.(observation, candidate) === false) continue
      if (best < 0 || scores[first + candidate]! > scores[first + best]!) best = candidate
    }
    return Math.max(0, best)
  }
}
