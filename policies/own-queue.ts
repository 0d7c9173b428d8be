import { transferMs } from './link-estimator.ts'
import type { LinkEstimate } from './plan.ts'

/** A message that was sent, until it is known to have left the link. */
interface Sent {
  readonly id: number
  readonly sentMs: number
  readonly bytes: number
}

/** Messages remembered: more than a device has outstanding, late ones included. */
const REMEMBERED = 256

/**
 * What a sender's own earlier messages do to its later ones: they wait in line on the link. Taken for the link's own doing,
 * that wait makes a rate look lower the harder one sends, and stays in the estimate long after the line is gone. So the
 * wait is taken out of what is measured ({@link alone}) and put into what is foreseen ({@link waitMs}).
 * Holds no clock: times are handed in, all on the sender's.
 */
export class OwnQueue {
  #sent: Sent[] = []
  /** When the newest answer was here, less the time that the server held it. */
  #arrivedMs = Number.NEGATIVE_INFINITY

  /** A message goes out, of `bytes`. */
  send(id: number, sentMs: number, bytes: number): void {
    this.#sent.push({ id, sentMs, bytes })
    if (this.#sent.length > REMEMBERED) this.#sent.shift()
  }

  /**
   * The answer to message `id` came `networkMs` after it was sent, the server's own time taken out. Returns how long it would have
   * taken with nothing before it: counted from when the message before had left the link.
   *
   * @param roundTripMs of an empty message, as far as known
   */
  alone(id: number, sentMs: number, networkMs: number, roundTripMs: number): number {
    const arrivalMs = sentMs + networkMs
    const beginMs = Math.max(sentMs, this.#arrivedMs - roundTripMs)
    // The link keeps the order: what was sent before has left it too, answered or not.
    const at = this.#sent.findIndex((sent) => sent.id === id)
    if (at >= 0) this.#sent.splice(0, at + 1)
    // An answer that overtook another one tells nothing of the line.
    if (arrivalMs <= this.#arrivedMs) return networkMs
    this.#arrivedMs = arrivalMs
    return Math.max(Math.min(networkMs, roundTripMs), arrivalMs - beginMs)
  }

  /**
   * Message `id` is still unanswered at `nowMs`: how long it has had the link for itself. Undefined while others that went before it
   * are unanswered too: then its silence says nothing that theirs does not.
   */
  aloneSince(id: number, nowMs: number, roundTripMs: number): number | undefined {
    const [first] = this.#sent
    if (first?.id !== id) return undefined
    return nowMs - Math.max(first.sentMs, this.#arrivedMs - roundTripMs)
  }

  /** How long a message that is sent now waits until the link is free, in ms. */
  waitMs(nowMs: number, link: LinkEstimate): number {
    let freeMs = Number.NEGATIVE_INFINITY
    for (const { sentMs, bytes } of this.#sent) {
      const sendingMs = transferMs(link, bytes) - link.rttMs
      freeMs = Math.max(freeMs, sentMs, this.#arrivedMs - link.rttMs) + sendingMs
    }
    return Math.max(0, freeMs - nowMs)
  }

  /** The connection is a new one: nothing is on it. */
  clear(): void {
    this.#sent = []
    this.#arrivedMs = Number.NEGATIVE_INFINITY
  }
}
