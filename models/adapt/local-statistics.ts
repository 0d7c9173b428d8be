import { type Moments, MomentsSum, momentsDistance } from './moments.ts'
import type { NormLayer, NormLayout } from './norm-layers.ts'

export interface LocalStatisticsSettings {
  /** Frames that move the statistics together, once these come from as many. */
  readonly round: number
  /** With so many of a round a shift is looked for before it is complete. */
  readonly early: number
  /** How far a round moves the statistics, at least. */
  readonly least: number
  /** How far a round moves what the latest rounds are. */
  readonly latest: number
  /** Share of the layers, from the first, that shifts are looked for in, two at least; classes move those behind them. */
  readonly front: number
  /** Distance of a batch of one frame that counts as usual until the stream has shown what is. */
  readonly noise: number
  /** A batch that is farther than so many times `noise` over its frames, and than so many times the usual distance, is a shift. */
  readonly shift: number
  readonly unusual: number
  /** The latest batches together are those of the packed network when they are nearer to it than so many times `noise` over the frames … */
  readonly near: number
  /** … and no longer, or have drifted away from the statistics, when they are farther than so many times that. */
  readonly far: number
  /** `early` frames show few classes when answers by their own statistics are so much less sure than those given, as a share of ln(classes). */
  readonly doubt: number
}

/** Chosen on the four held-out kinds of damage and on clean images, shuffled and in runs of a class. */
export const localStatisticsSettings: LocalStatisticsSettings = {
  round: 64,
  early: 16,
  least: 0.05,
  latest: 0.25,
  front: 0.5,
  noise: 0.04,
  shift: 4,
  unusual: 4,
  near: 1,
  far: 2,
  doubt: 0.13,
}

/**
 * What frames have done: nothing yet; nothing, for they show few classes; the network as packed fits still, or again; the statistics have begun
 * anew; or moved.
 */
export type Moved = 'waiting' | 'few-classes' | 'packed' | 'return' | 'shift' | 'moved'

/** Of the first layer, against the others. */
const FIRST_WEIGHT = 0.1
/** Layers that shifts are looked for in, where there are so many: the first alone differs too much from round to round. */
const FEWEST_LAYERS = 2
/** What the usual distance moves by with each round. */
const USUAL_SHARE = 0.1
/** Moves that are worth building the network anew, in shares of the distance of one frame. */
const WORTHWHILE = 0.002
/** Rounds. With fewer, the latest are too noisy to tell a small shift by. */
const SURE_ROUNDS = 4
/** With fewer frames a network that normalises by them is unsure of any. */
const FEWEST_JUDGED = 8
/** How much farther a shift has to be where runs of a class cannot be told by doubt, or there is the first layer alone. */
const UNSURE = 2
/** In `noise`, for one frame. From statistics of blur, 16 frames of a class lie at most at 4, noise at 22 and more, glass blur at 14. */
const ELSEWHERE = 12
/** A channel that never changes has no variance to divide by. */
const LEAST_VARIANCE = 1e-12

/**
 * A device's own statistics of its normalisation layers, from rounds of its frames. They begin with frames that are far from those before, or
 * with the latest few rounds when these have drifted away, and then move by max(least, 1 / rounds). Where the world is as it was in training the
 * network as packed is best, and they give way to it.
 *
 * A round comes in parts. A great shift shows in the first of them: the statistics begin at once, and parts count at once until they come from a
 * whole round.
 *
 * Weather moves the early layers; which classes come moves the late ones. The first layer sees brightness and colour, which differ ten times as
 * much from round to round, and counts a tenth. So shifts are looked for in the early layers, by how far a round lies from the statistics against how far rounds of this stream
 * usually lie.
 *
 * Frames of one class, minutes of them where a camera looks at one thing, have statistics that tell of the class. A network that normalises by
 * them can no longer tell it from others, and its answers show it: they are far less sure than those given. Such frames do not count, unless they
 * lie so far from own statistics that these must be of another world.
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
  /** Of the round so far. */
  readonly #worldSum = new MomentsSum()
  readonly #ownSum = new MomentsSum()
  #isPacked: boolean
  #isKnown: boolean
  /** Of a batch of one frame; it falls with the number of frames. */
  #usual: number
  #wasShift = false
  /** Frames of the largest part of the round. */
  #largest = 0

  /** `held`: what was held before a start. */
  constructor(
    layout: NormLayout,
    packed: Moments,
    settings: Partial<LocalStatisticsSettings> = {},
    held?: Moments | 'packed',
  ) {
    this.#settings = { ...localStatisticsSettings, ...settings }
    const { front, noise, least, latest, round } = this.#settings
    const last = Math.max(FEWEST_LAYERS, Math.ceil(front * layout.layers.length))
    this.#layers = layout.layers.slice(0, last)
    this.#packed = copyOf(packed)
    const own = typeof held === 'object' ? held : undefined
    this.#world = new Running(packed, least, round)
    this.#own = new Running(own ?? packed, least, round)
    this.#latestWorld = new Running(packed, latest, round)
    this.#latestOwn = new Running(packed, latest, round)
    this.#isPacked = own === undefined
    this.#isKnown = held !== undefined
    this.#usual = noise
  }

  /** What the network should run with: own statistics (copied), or everything as packed; undefined before the first round. */
  get held(): Moments | 'packed' | undefined {
    if (!this.#isKnown) return undefined
    return this.#isPacked ? 'packed' : copyOf(this.#own.moments)
  }

  /** Of the round that is not complete. */
  get waiting(): number {
    return this.#worldSum.frames
  }

  /**
   * Takes the moments of `frames` more frames, as the network gives them that normalises by batch: `world` with the packed scales and shifts
   * (what has been learned would look like a shift), `own` with those that it has now. `doubt` (`doubtOf`): of its answers with the packed ones
   * against those given to the same frames. It is higher the fewer frames there are to normalise by; of fewer
   * than eight it says nothing, and then a shift has to be farther.
   */
  add(world: Moments, own: Moments, frames: number, doubt = 0): Moved {
    const { round, early, doubt: most } = this.#settings
    const isDoubtful = frames >= FEWEST_JUDGED && doubt > most * Math.max(1, early / frames)
    if (isDoubtful && !this.#isElsewhere(world, own, frames)) return 'few-classes'
    this.#worldSum.add(world, frames)
    this.#ownSum.add(own, frames)
    this.#largest = Math.max(this.#largest, frames)
    const sum = this.#worldSum.frames
    if (sum < Math.min(round, early)) return 'waiting'
    const isYoung = !this.#isPacked && this.#world.frames > 0 && this.#world.frames < round
    if (sum < round && !isYoung && !this.#isFar(this.#worldSum.moments, sum)) return 'waiting'
    const moved = this.#use(this.#worldSum.take(), this.#ownSum.take(), sum)
    this.#largest = 0
    return moved
  }

  /** Whether what is held differs enough from what a network runs with to build it anew. */
  isWorthwhile(inPlace: Moments | 'packed' | undefined): boolean {
    if (!this.#isKnown) return false
    if (this.#isPacked) return inPlace !== 'packed'
    if (typeof inPlace !== 'object') return true
    return this.#distance(this.#own.moments, inPlace) > WORTHWHILE * this.#settings.noise
  }

  #use(world: Moments, own: Moments, frames: number): Moved {
    const isShift = this.#seesShift(world, frames)
    this.#isKnown = true
    for (const [running, batch] of [
      [this.#world, world],
      [this.#latestWorld, world],
      [this.#own, own],
      [this.#latestOwn, own],
    ] as const) {
      if (isShift) running.frames = 0
      running.move(batch, frames)
    }
    const was = this.#isPacked
    this.#isPacked = this.#fitsPacked(isShift)
    if (this.#isPacked) return was ? 'packed' : 'return'
    if (isShift) return 'shift'
    if (!was && !this.#hasDrifted()) return 'moved'
    this.#world.beginAs(this.#latestWorld)
    this.#own.beginAs(this.#latestOwn)
    return 'shift'
  }

  #seesShift(world: Moments, frames: number): boolean {
    // Restored statistics are not of the world: the first round after a start says what that is like.
    const isBlind = !this.#isPacked && this.#world.frames === 0
    if (isBlind) return false
    const isShift = this.#isFar(world, frames)
    // A single shift says nothing of what is usual; shifts in a row say that more is usual than was thought.
    if (!isShift || this.#wasShift) {
      const distance = Math.min(this.#distanceOfOne(world, frames), this.#limit)
      this.#usual += shareOf(USUAL_SHARE, frames / this.#settings.round) * (distance - this.#usual)
    }
    this.#wasShift = isShift
    return isShift
  }

  #isFar(world: Moments, frames: number): boolean {
    return this.#distanceOfOne(world, frames) > this.#limit
  }

  /**
   * Whether frames come from a world that own statistics are not of. Those make wrong answers sure, too, and would stay for ever if such frames
   * did not count.
   */
  #isElsewhere(world: Moments, own: Moments, frames: number): boolean {
    if (this.#isPacked) return false
    // Restored ones can only be held against what the network gives as it runs.
    const distance =
      this.#world.frames === 0
        ? this.#distance(own, this.#own.moments) * frames
        : this.#distanceOfOne(world, frames)
    return distance > ELSEWHERE * this.#settings.noise
  }

  /** How far frames lie from what is known of the world, over what a single one would. */
  #distanceOfOne(world: Moments, frames: number): number {
    if (this.#isPacked) return this.#distance(world, this.#packed) * frames
    const { frames: before, moments } = this.#world
    return before === 0 ? 0 : (this.#distance(world, moments) * frames) / (1 + frames / before)
  }

  get #limit(): number {
    const { shift, unusual, noise } = this.#settings
    const isUnsure = this.#largest < FEWEST_JUDGED || this.#layers.length < FEWEST_LAYERS
    const times = isUnsure ? UNSURE : 1
    return times * Math.max(shift * noise, unusual * this.#usual)
  }

  #fitsPacked(isShift: boolean): boolean {
    const { noise, near, far, round } = this.#settings
    const { moments, frames } = this.#latestWorld
    const distance = this.#distance(moments, this.#packed) * round
    if (this.#isPacked) return !isShift && (distance <= far * noise || frames < SURE_ROUNDS * round)
    return distance <= near * noise
  }

  #hasDrifted(): boolean {
    const { noise, far, round } = this.#settings
    const { moments, frames } = this.#latestWorld
    if (frames < SURE_ROUNDS * round) return false
    const distance = this.#distance(moments, this.#world.moments) * round
    return distance > Math.max(far * noise, this.#usual)
  }

  #distance(a: Moments, from: Moments): number {
    const [first, ...others] = this.#layers as [NormLayer, ...NormLayer[]]
    const distance = FIRST_WEIGHT * momentsDistance(a, from, [first])
    if (others.length === 0) return distance
    return (distance + others.length * momentsDistance(a, from, others)) / (1 + others.length)
  }
}

/** Running moments: at first those of some frames at once, then moving by max(least, 1 / rounds) with each round. */
class Running {
  readonly moments: Moments
  frames = 0
  readonly #least: number
  readonly #round: number

  constructor(from: Moments, least: number, round: number) {
    this.moments = copyOf(from)
    this.#least = least
    this.#round = round
  }

  beginAs({ moments, frames }: Running): void {
    this.moments.mean.set(moments.mean)
    this.moments.variance.set(moments.variance)
    this.frames = Math.min(frames, SURE_ROUNDS * this.#round)
  }

  move(batch: Moments, frames: number): void {
    this.frames += frames
    const share = Math.max(shareOf(this.#least, frames / this.#round), frames / this.frames)
    const { mean, variance } = this.moments
    for (let at = 0; at < mean.length; at++) {
      mean[at]! += share * (batch.mean[at]! - mean[at]!)
      const moved = variance[at]! + share * (batch.variance[at]! - variance[at]!)
      variance[at] = Math.max(LEAST_VARIANCE, moved)
    }
  }
}

/** What `rounds`, whole or not, move by where one moves by `share`. */
const shareOf = (share: number, rounds: number): number => 1 - (1 - share) ** rounds

const copyOf = ({ mean, variance }: Moments): Moments => ({ mean: mean.slice(), variance: variance.slice() })
