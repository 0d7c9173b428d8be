import type { ImageAnswers } from '@isthmus/edge-server/adaptation'
import type { Moments, Moved, NormParameters } from '@isthmus/models/adapt'
import { inputOf } from './networks.ts'
import { type OwnStatistics, PART } from './own-statistics.ts'

/** Statistics that only move are told no more often. */
const TELL_MS = 60_000

/** A device of a fleet: answers by its own statistics, takes them from what it has answered, and tells them as the SDK does. */
export class FleetDevice {
  readonly name: string
  readonly #student: ImageAnswers
  readonly #statistics: OwnStatistics
  readonly #input: { readonly mean: readonly number[]; readonly std: readonly number[] }
  readonly #waiting: Uint8Array[] = []
  #entropy = 0
  #moved: Moved = 'waiting'
  #toldMs: number | undefined

  /** `student` can be shared by devices. */
  constructor(
    name: string,
    student: ImageAnswers,
    statistics: OwnStatistics,
    input: { readonly mean: readonly number[]; readonly std: readonly number[] },
  ) {
    this.name = name
    this.#student = student
    this.#statistics = statistics
    this.#input = input
  }

  /** Answers by its own statistics, and the server's newest scales and shifts. */
  answer(images: readonly Uint8Array[], patch: NormParameters): ReturnType<ImageAnswers['answer']> {
    return this.#student.answer(images, this.#statistics.parameters(patch))
  }

  /** Answers a frame and learns from it; resolves to the answer's entropy, in nats. */
  async see(pixels: Uint8Array, patch: NormParameters): Promise<number> {
    const { entropy } = await this.answer([pixels], patch)
    this.#waiting.push(pixels)
    this.#entropy += entropy[0]!
    if (this.#waiting.length === PART) await this.#take(patch)
    return entropy[0]!
  }

  /** What it has to tell now: its statistics, undefined where the packed network fits, or `none`. */
  news(nowMs: number): Moments | undefined | 'none' {
    const moved = this.#moved
    this.#moved = 'waiting'
    if (moved === 'waiting' || moved === 'few-classes') return 'none'
    const isNews = moved === 'shift' || moved === 'return' || this.#toldMs === undefined
    if (!isNews && nowMs - this.#toldMs! < TELL_MS) return 'none'
    this.#toldMs = nowMs
    return this.#statistics.moments
  }

  async #take(patch: NormParameters): Promise<void> {
    const images = inputOf(this.#student.network, this.#input, this.#waiting)
    const moved = await this.#statistics.take(images, PART, this.#entropy, patch)
    this.#waiting.length = 0
    this.#entropy = 0
    if (moved !== 'waiting' && moved !== 'few-classes') this.#moved = moved
  }
}
