import { isServerId, parseTopic } from '@isthmus/proto'

/** A message that the broker keeps for those who subscribe later. */
export interface RetainedMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1
}

type Messages = Map<string, RetainedMessage>

/**
 * The retained messages of the server, patches among them, and of the last `capacity` devices that set one, found by device: a subscription
 * costs the same however many there are.
 */
export class RetainedMessages {
  readonly #capacity: number
  readonly #server: Messages = new Map()
  /** By device id; the one that has set none for longest comes first. */
  readonly #devices = new Map<string, Messages>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Keeps a message in place of the one before it on its topic; an empty one only clears that. */
  keep(topic: string, payload: Uint8Array, qos: 0 | 1): void {
    const device = parseTopic(topic)?.device
    if (device === undefined) return
    const messages = this.#of(device) ?? new Map()
    // A copy: what came in is a view into all that was read from the connection at once.
    if (payload.length > 0) messages.set(topic, { topic, payload: copied(payload), qos })
    else messages.delete(topic)
    if (isServerId(device)) return
    this.#devices.delete(device)
    if (messages.size > 0) this.#devices.set(device, messages)
    if (this.#devices.size > this.#capacity) this.#devices.delete(this.#devices.keys().next().value!)
  }

  /** Those that fit a topic, or a filter for all topics of one device (`isthmus/1/<site>/<device>/#` or `/+`). */
  matching(filter: string): readonly RetainedMessage[] {
    const [, , , device = '', verb] = filter.split('/')
    const messages = this.#of(device)
    if (messages === undefined) return []
    if (verb === '#' || verb === '+')
      return [...messages.values()].filter(({ topic }) => topic.startsWith(filter.slice(0, -1)))
    const message = messages.get(filter)
    return message === undefined ? [] : [message]
  }

  #of(device: string): Messages | undefined {
    return isServerId(device) ? this.#server : this.#devices.get(device)
  }
}

function copied(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  copy.set(bytes)
  return copy
}
