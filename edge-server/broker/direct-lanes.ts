import { topic } from '@isthmus/proto'
import type { Client } from 'aedes'
import type { ConnectionGuard } from './connection-guard.ts'
import { plainPayload, plainPublish } from './publish-packet.ts'

interface Lane {
  readonly guard: ConnectionGuard
  readonly replyTopic: string
  readonly replyTopicBytes: Buffer
  readonly inferTopic: string
  readonly inferTopicBytes: Buffer
  readsReplies: boolean
  /** The device has asked to hear its own requests, which only the broker can do. */
  hearsItself: boolean
}

/**
 * The short way between the server and each device that has subscribed to its replies: requests (QoS 0, to the device's
 * own topic) and replies go past the broker, whose parsing and matching costs more than all that the server does for
 * a frame besides. Whatever is not just that takes the broker's way.
 */
export class DirectLanes {
  readonly #site: string
  readonly #lanes = new WeakMap<Client, Lane>()
  /** Reply topic → lane of the device that reads it; nobody else may. */
  readonly #readers = new Map<string, Lane>()

  constructor(site: string) {
    this.#site = site
  }

  /** The broker has granted these filters to the device behind `guard`. */
  subscribed(client: Client, guard: ConnectionGuard, filters: readonly string[]): void {
    // The broker says so a turn later: of one that has left meanwhile nobody would say so again.
    if (client.closed) return
    const lane = this.#lanes.get(client) ?? this.#open(client, guard)
    const own = topic(this.#site, client.id, 'infer').slice(0, -'infer'.length)
    for (const filter of filters) {
      if (filter === lane.replyTopic) {
        lane.readsReplies = true
        this.#readers.set(filter, lane)
      } else if (filter === lane.inferTopic || filter === `${own}#` || filter === `${own}+`) {
        lane.hearsItself = true
      }
    }
  }

  unsubscribed(client: Client, filters: readonly string[]): void {
    const lane = this.#lanes.get(client)
    if (lane && filters.includes(lane.replyTopic)) this.#close(lane)
  }

  left(client: Client): void {
    const lane = this.#lanes.get(client)
    if (lane) this.#close(lane)
  }

  /** Sends a message to the device that reads this reply topic; false when there is none. */
  reply(replyTopic: string, payload: Uint8Array): boolean {
    const lane = this.#readers.get(replyTopic)
    lane?.guard.send(plainPublish(lane.replyTopicBytes, payload))
    return lane !== undefined
  }

  /** The request in a packet of this device, its payload a view; undefined when the broker has to read the packet. */
  request(client: Client, packet: Buffer): { topic: string; payload: Buffer } | undefined {
    const lane = this.#lanes.get(client)
    if (!lane?.readsReplies || lane.hearsItself) return undefined
    const payload = plainPayload(packet, lane.inferTopicBytes)
    return payload && { topic: lane.inferTopic, payload }
  }

  #open(client: Client, guard: ConnectionGuard): Lane {
    const replyTopic = topic(this.#site, client.id, 'reply')
    const inferTopic = topic(this.#site, client.id, 'infer')
    const lane: Lane = {
      guard,
      replyTopic,
      replyTopicBytes: Buffer.from(replyTopic),
      inferTopic,
      inferTopicBytes: Buffer.from(inferTopic),
      readsReplies: false,
      hearsItself: false,
    }
    this.#lanes.set(client, lane)
    return lane
  }

  #close(lane: Lane): void {
    lane.readsReplies = false
    if (this.#readers.get(lane.replyTopic) === lane) this.#readers.delete(lane.replyTopic)
  }
}
