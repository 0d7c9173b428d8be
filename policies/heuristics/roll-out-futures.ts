import type { MecObservation, RandomStream } from '../env/index.ts'
import { optionChecks } from '../option-checks.ts'

const { integer } = optionChecks('sampled futures')

/**
 * Tasks that may come: `futures` samples of the next `slots` slots, drawn from what an observation tells (rate of arrivals,
 * mean size, waiting line) and from the users' rates seen in this episode. All arrays `[future, slot]`.
 */
export class Futures {
  readonly futures: number
  readonly slots: number
  /** Size of the task that leaves the line, 0 for none. */
  readonly bits: Float64Array
  /** Which of the seen users it belongs to. */
  readonly user: Int32Array
  /** Tasks that then wait behind it. */
  readonly waiting: Int32Array
  /** Rates of users seen so far, `[seen, server]`, the last ones. */
  private readonly seenRates: Float64Array[] = []
  private seen = 0

  /** Throws IsthmusError `BAD_OPTION` that names the number. */
  constructor(futures: number, slots: number) {
    integer('futures', futures, 1, 1e6)
    integer('slots', slots, 0, 1e6)
    this.futures = futures
    this.slots = slots
    this.bits = new Float64Array(futures * slots)
    this.user = new Int32Array(futures * slots)
    this.waiting = new Int32Array(futures * slots)
  }

  clear(): void {
    this.seen = 0
  }

  /** Remembers the rates of this task's user. */
  see({ rateBps, servers }: MecObservation): void {
    const at = this.seen++ % REMEMBERED
    const rates = this.seenRates[at]
    if (rates && rates.length >= servers) rates.set(rateBps.subarray(0, servers))
    else this.seenRates[at] = rateBps.slice()
  }

  ratesOf(user: number): Float64Array {
    return this.seenRates[user]!
  }

  draw(random: RandomStream, { arrivals, meanTaskBits, backlog }: MecObservation): void {
    const expMinusMean = Math.exp(-arrivals)
    const users = Math.min(this.seen, REMEMBERED)
    for (let future = 0; future < this.futures; future++) {
      let waiting = backlog
      for (let slot = 0; slot < this.slots; slot++) {
        const at = future * this.slots + slot
        waiting += random.poisson(expMinusMean)
        this.bits[at] = 0
        if (waiting === 0) continue
        this.waiting[at] = --waiting
        this.bits[at] = Math.min(100e6, Math.max(0.1e6, random.exponential(meanTaskBits)))
        this.user[at] = random.below(users)
      }
    }
  }
}

const REMEMBERED = 32
