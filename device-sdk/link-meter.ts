import { type LinkEstimate, LinkEstimator, OwnQueue } from '@isthmus/policies'
import type { ServerClock } from './server-clock.ts'
import { splitRoundTrip } from './stage-log.ts'

/** A message that went out. */
export interface SentMessage {
  readonly id: number
  readonly sentMs: number
  readonly bytesUp: number
}

/** What every answer of a server says of itself. */
interface Answered {
  readonly receivedUs: number
  readonly serverUs: number
  readonly epoch: number
}

/** What is known of the way to the server, from messages and their answers: its rate and round trip, what is still on it, the server's clock. */
export class LinkMeter {
  /** The link with nothing of one's own on it. */
  readonly estimator = new LinkEstimator()
  readonly #ownQueue = new OwnQueue()
  readonly #serverClock: ServerClock

  constructor(serverClock: ServerClock) {
    this.#serverClock = serverClock
  }

  /** The link as the next message finds it; undefined until it has been measured. */
  estimate(nowMs: number): LinkEstimate | undefined {
    const link = this.estimator.estimate(nowMs)
    return link && { ...link, queueMs: this.#ownQueue.waitMs(nowMs, link) }
  }

  sent({ id, sentMs, bytesUp }: SentMessage): void {
    this.#ownQueue.send(id, sentMs, bytesUp)
  }

  /** Learns from one answer; returns the round trip without the server's time, in ms. */
  answered({ id, sentMs, bytesUp }: SentMessage, answer: Answered, nowMs: number): number {
    const { receivedUs, serverUs, epoch } = answer
    const networkMs = Math.max(0, nowMs - sentMs - serverUs / 1000)
    const roundTripMs = this.estimator.estimate(nowMs)?.rttMs ?? networkMs
    const elapsedMs = this.#ownQueue.alone(id, sentMs, networkMs, roundTripMs)
    this.estimator.add({ nowMs, bytes: bytesUp, elapsedMs, id })
    const { uplinkMs } = splitRoundTrip(networkMs, bytesUp, 0, this.estimate(nowMs))
    this.#serverClock.add({ sentMs, uplinkMs, receivedUs, networkMs, nowMs, epoch })
    return networkMs
  }

  /** No answer to this one is waited for any longer. */
  givenUp({ id, bytesUp: bytes }: Pick<SentMessage, 'id' | 'bytesUp'>, nowMs: number): void {
    const roundTripMs = this.estimator.estimate(nowMs)?.rttMs ?? 0
    const elapsedMs = this.#ownQueue.aloneSince(id, nowMs, roundTripMs)
    if (elapsedMs !== undefined) this.estimator.addTimeout({ nowMs, bytes, elapsedMs, id })
  }

  /** The server had stalled: silence said nothing of the link. */
  forgetSilence(): void {
    this.estimator.forgetTimeouts()
  }

  /** The connection is a new one. */
  reconnected(): void {
    this.#ownQueue.clear()
  }
}
