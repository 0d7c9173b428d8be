import { bestShare, type Division, type PartTimes, partEndS } from './best-share.ts'

/** Form of {@link OffloadObservation}. */
export const OFFLOAD_OBSERVATION = 'offload/1'

/**
 * What one agent sees of the places where its task may run; place 0 is its own device. Loads are as the servers last published
 * them, so somewhat old.
 */
export interface OffloadObservation {
  readonly places: number
  /** What times are measured by: the time that the task has, s. */
  deadlineS: number
  /** Whether it decides now; else all that counts is what it tells of work that it has sent. */
  deciding: boolean
  /** Work that comes after the task on the longest way through its job, s. */
  restS: number
  /** Whether the task can be divided: a share of it may go to a server while the own device runs the rest. */
  divisible: boolean
  /** Urgency among the tasks of the agent, from 0 to 1. */
  priority: number
  /** `[places]`: 1 where it may run. */
  readonly allowed: Uint8Array
  /** `[places]`: seconds until its transfer, or at the device its execution, can begin, and those of the transfer. */
  readonly waitS: Float64Array
  readonly transferS: Float64Array
  /** `[places]`: seconds of the task itself, with the place to itself. */
  readonly executionS: Float64Array
  /** `[places]`: seconds of what was there before, its own earlier work and, in a queue, that of others. */
  readonly queueS: Float64Array
  /** `[places]`: seconds of work that it sent there and the place's published load does not count; in `queueS` as well. */
  readonly sentS: Float64Array
  /** `[places]`: what the place published, s, less the time since then; below 0: through with it, and with so much more if it had it. */
  readonly publishedS: Float64Array
  /** `[places]`: how many share the place with it, itself included; 1: none. */
  readonly sharers: Float64Array
  /** `[places]`: energy as a share of that on the device. */
  readonly energy: Float64Array
}

export function offloadObservation(places: number): OffloadObservation {
  return {
    places,
    deadlineS: 1,
    deciding: true,
    divisible: false,
    restS: 0,
    priority: 0,
    allowed: new Uint8Array(places).fill(1),
    waitS: new Float64Array(places),
    transferS: new Float64Array(places),
    executionS: new Float64Array(places),
    queueS: new Float64Array(places),
    sentS: new Float64Array(places),
    publishedS: new Float64Array(places),
    sharers: new Float64Array(places).fill(1),
    energy: new Float64Array(places),
  }
}

/** Seconds until the task would be done there if all stayed as the agent sees it. */
export function expectedS(seen: OffloadObservation, place: number): number {
  const sharers = Math.max(1, seen.sharers[place]!)
  const there = seen.waitS[place]! + seen.transferS[place]!
  return Math.max(there, seen.queueS[place]! * sharers) + seen.executionS[place]! * sharers
}

/** The times that a part of a task would have at a place, as the agent sees them. */
export function partTimes(seen: OffloadObservation, place: number): PartTimes {
  const sharers = Math.max(1, seen.sharers[place]!)
  return {
    queueS: seen.queueS[place]! * sharers,
    waitS: seen.waitS[place]!,
    transferS: seen.transferS[place]!,
    executionS: seen.executionS[place]! * sharers,
    returnS: 0,
  }
}

/**
 * How a task is best divided between a server and the own device if all stayed as the agent sees it. Share 1 at the device, for a
 * task that cannot be divided, and where the device cannot run it.
 */
export function expectedDivision(seen: OffloadObservation, place: number): Division {
  const there = partTimes(seen, place)
  if (place === 0 || !seen.divisible || seen.allowed[0] !== 1) {
    return { share: 1, endS: partEndS(there, 1) }
  }
  return bestShare(there, partTimes(seen, 0))
}
