import { type Moments, momentsDistance } from './moments.ts'
import type { NormLayer, NormLayout } from './norm-layers.ts'

export interface LocalStatisticsSettings {
  /** How far a batch moves the statistics, at least. */
  readonly least: number
  /** How far a batch moves what the latest batches are. */
  readonly latest: number
  /** Share of the layers, from the first, that shifts show in; classes move those behind them. */
  readonly early: number
  /** Distance of a batch of one frame that counts as usual until the stream has shown what is. */
  readonly noise: number
  /** A batch that is farther than so many times `noise` over its frames, and than so many times the usual distance, is a shift. */
  readonly shift: number
  readonly unusual: number
  /** The latest batches together are those of the packed network when they are nearer to it than so many times `noise` over the frames … */
  readonly near: number
  /** … and no longer, or have drifted away from the statistics, when they are farther than so many times that. */
  readonly far: number
}

/** Chosen on the four held-out kinds of damage and on clean images, shuffled and in runs of a class. */
export const localStatisticsSettings: LocalStatisticsSettings = {
  least: 0.05,
  latest: 0.25,
  early: 0.625,
  noise: 0.04,
  shift: 12,
  unusual: 4,
  near: 1,
  far: 2,
}

/** What a batch has done: the network as packed fits still, or again; the statistics have begun anew; or moved. */
export type Moved = 'packed' | 'return' | 'shift' | 'moved'

/** Of the first layer, against the others. */
const FIRST_WEIGHT = 0.1
/** What the usual distance moves by with each batch. */
const USUAL_SHARE = 0.1
/** Moves that are worth building the network anew, in shares of the distance of a batch of one frame. */
const WORTHWHILE = 0.002
/** With fewer, they are too noisy to tell a small shift by. */
const SURE_BATCHES = 4
/** A channel that never changes has no variance to divide by. */
const LEAST_VARIANCE = 1e-12

/**
 * A device's own statistics of its normalisation layers, from batches of its frames. They begin with a batch that is far from those before, or
 * with the latest few when these have drifted away, and then move by max(least, 1 / batches). Where the world is as it was in training the network as packed is best, and they give way to it.
 *
 * Weather moves the early layers; which classes come moves the late ones. The first layer sees brightness and colour, which differ ten times as
 * much from batch to batch, and counts a tenth. So shifts are looked for in the early layers, by how far a batch lies from the statistics against how far batches of this stream
 * usually lie.
 */
export class LocalStatistics {
  readonly #settings: LocalStatisticsSettings
  readonly #layers: readonly NormLayer[]
  readonly #packed: Moments
  /** By the packed scales and shifts: what the frames are like. */
  readonly #world: Running
  readonly #latestWorld: Running
  /** By those that the network has now: what it runs with. */
  readonly #own: Running
  readonly #latestOwn: Running
  #isPacked: boolean
  #isKnown: boolean
  /** Of a batch of one frame; it falls with the number of frames. */
  #usual: number
  #wasShift = false

  /** `held`: what was held before a start. */
  constructor(
    layout: NormLayout,
    packed: Moments,
    settings: Partial<LocalStatisticsSettings> = {},
    held?: Moments | 'packed',
  ) {
    this.#settings = { ...localStatisticsSettings, ...settings }
    const { early, noise, least, latest } = this.#settings
    const last = Math.max(1, Math.ceil(early * layout.layers.length))
    this.#layers = layout.layers.slice(0, last)
    this.#packed = copyOf(packed)
    const own = typeof held === 'object' ? held : undefined
    this.#world = new Running(packed, least)
    this.#own = new Running(own ?? packed, least)
    this.#latestWorld = new Running(packed, latest)
    this.#latestOwn = new Running(packed, latest)
    this.#isPacked = own === undefined
    this.#isKnown = held !== undefined
    this.#usual = noise
  }

  /** What the network should run with: own statistics (copied), or everything as packed; undefined before the first batch. */
  get held(): Moments | 'packed' | undefined {
    if (!this.#isKnown) return undefined
    return this.#isPacked ? 'packed' : copyOf(this.#own.moments)
  }

  /**
   * Takes the moments of a batch of `frames` frames, as the network gives them that normalises by batch: `world` with the packed scales and shifts
   * (what has been learned would look like a shift), `own` with those that it has now.
   */
  add(world: Moments, own: Moments, frames: number): Moved {
    const isShift = this.#seesShift(world, frames)
    this.#isKnown = true
    for (const [running, batch] of [
      [this.#world, world],
      [this.#latestWorld, world],
      [this.#own, own],
      [this.#latestOwn, own],
    ] as const) {
      if (isShift) running.batches = 0
      running.move(batch)
    }
    const was = this.#isPacked
    this.#isPacked = this.#fitsPacked(frames, isShift)
    if (this.#isPacked) return was ? 'packed' : 'return'
    if (isShift) return 'shift'
    if (!was && !this.#hasDrifted(frames)) return 'moved'
    this.#world.beginAs(this.#latestWorld)
    this.#own.beginAs(this.#latestOwn)
    return 'shift'
  }

  /** Whether what is held differs enough from what a network runs with to build it anew. */
  isWorthwhile(inPlace: Moments | 'packed' | undefined): boolean {
    if (!this.#isKnown) return false
    if (this.#isPacked) return inPlace !== 'packed'
    if (typeof inPlace !== 'object') return true
    return this.#distance(this.#own.moments, inPlace) > WORTHWHILE * this.#settings.noise
  }

  #seesShift(world: Moments, frames: number): boolean {
    const { batches, moments } = this.#world
    // Restored statistics are not of the world: the first batch after a start says what that is like.
    const isBlind = !this.#isPacked && batches === 0
    if (isBlind) return false
    const distance = this.#isPacked
      ? this.#distance(world, this.#packed)
      : this.#distance(world, moments) / (1 + 1 / batches)
    const { shift, unusual, noise } = this.#settings
    const limit = Math.max(shift * noise, unusual * this.#usual)
    const isShift = distance * frames > limit
    // A single shift says nothing of what is usual; shifts in a row say that more is usual than was thought.
    if (!isShift || this.#wasShift)
      this.#usual += USUAL_SHARE * (Math.min(distance * frames, limit) - this.#usual)
    this.#wasShift = isShift
    return isShift
  }

  #fitsPacked(frames: number, isShift: boolean): boolean {
    const { noise, near, far } = this.#settings
    const { moments, batches } = this.#latestWorld
    const distance = this.#distance(moments, this.#packed) * frames
    if (this.#isPacked) return !isShift && (distance <= far * noise || batches < SURE_BATCHES)
    return distance <= near * noise
  }

  #hasDrifted(frames: number): boolean {
    const { moments, batches } = this.#latestWorld
    if (batches < SURE_BATCHES) return false
    const distance = this.#distance(moments, this.#world.moments) * frames
    return distance > Math.max(this.#settings.far * this.#settings.noise, this.#usual)
  }

  #distance(a: Moments, from: Moments): number {
    const [first, ...others] = this.#layers as [NormLayer, ...NormLayer[]]
    const distance = momentsDistance(a, from, [first])
    if (others.length === 0) return distance
    return (FIRST_WEIGHT * distance + others.length * momentsDistance(a, from, others)) / (1 + others.length)
  }
}

/** Running moments: at first those of a batch at once, then moving by max(least, 1 / batches). */
class Running {
  readonly moments: Moments
  batches = 0
  readonly #least: number

  constructor(from: Moments, least: number) {
    this.moments = copyOf(from)
    this.#least = least
  }

  beginAs({ moments, batches }: Running): void {
    this.moments.mean.set(moments.mean)
    this.moments.variance.set(moments.variance)
    this.batches = Math.min(batches, SURE_BATCHES)
  }

  move(batch: Moments): void {
    this.batches++
    const share = Math.max(this.#least, 1 / this.batches)
    const { mean, variance } = this.moments
    for (let at = 0; at < mean.length; at++) {
      mean[at]! += share * (batch.mean[at]! - mean[at]!)
      const moved = variance[at]! + share * (batch.variance[at]! - variance[at]!)
      variance[at] = Math.max(LEAST_VARIANCE, moved)
    }
  }
}

const copyOf = ({ mean, variance }: Moments): Moments => ({ mean: mean.slice(), variance: variance.slice() })
