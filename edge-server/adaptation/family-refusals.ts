import { TokenBucket } from '@isthmus/policies'
import {
  clockUs32,
  decodeMessage,
  encodeMessage,
  isDeviceId,
  type Message,
  parseTopic,
  topic,
  wireError,
  wireErrors,
} from '@isthmus/proto'

export interface FamilyRefusalsOptions {
  readonly site: string
  /** Names this life of the server. */
  readonly epoch: number
  readonly maxMessageBytes: number
  /** Devices that are remembered; the one that has been silent longest is forgotten first. */
  readonly maxDevices: number
  readonly send: (topic: string, packet: Uint8Array<ArrayBuffer>) => void
  /** A warning, unless there have been too many lately. */
  readonly warn: (fields: Readonly<Record<string, string>>, message: string) => void
  /** Monotonic, in milliseconds. */
  readonly clock: () => number
}

/** A device that is silent once it is told needs one; a second is for an answer that was lost. */
const AT_ONCE = 2
const PER_SECOND = 1 / 10
const COUNT_LIMIT = 2 ** 32

/**
 * Tells devices whose samples teach nothing here to send no more of them (UNKNOWN_FAMILY) until the server announces itself anew. It
 * cannot be known whether a device has read that, so one that goes on is told again, at a bounded rate, whatever families it names.
 */
export class FamilyRefusals {
  readonly #options: FamilyRefusalsOptions
  /** In the order in which they were last heard. */
  readonly #told = new Map<string, TokenBucket>()
  #sequence = 0

  constructor(options: FamilyRefusalsOptions) {
    this.#options = options
  }

  /** Devices that are remembered. */
  get devices(): number {
    return this.#told.size
  }

  /** A sample of a network that is not adapted here has come from this device. */
  refuse(device: string, { envelope, body }: Message): void {
    const { site, epoch, clock, send, warn } = this.#options
    const nowMs = clock()
    if (body.kind !== 'sample' || !this.#bucket(device, nowMs).take(nowMs)) return
    const family = nameOf(body.family)
    warn({ device, family }, 'device sends samples of a network that is not adapted here')
    const code = 'UNKNOWN_FAMILY'
    this.#sequence = (this.#sequence + 1) % COUNT_LIMIT
    const packet = encodeMessage({
      // It answers no request.
      envelope: { id: 0, boot: epoch, sequence: this.#sequence, sentUs: clockUs32(nowMs) },
      body: {
        kind: 'error',
        code: wireErrors[code].number,
        detail: wireError(code, `Family ${family} is not adapted here`).message,
        echoUs: envelope.sentUs,
        receivedUs: clockUs32(nowMs),
        epoch,
      },
    })
    send(topic(site, device, 'reply'), packet)
  }

  /** Takes one message of a `sample` topic where nothing is adapted. Never throws; the packet is not kept. */
  receive(topicName: string, packet: Uint8Array, retained: boolean): void {
    const { site, maxMessageBytes, clock } = this.#options
    const parts = parseTopic(topicName)
    if (parts?.site !== site || !isDeviceId(parts.device) || retained || packet.length === 0) return
    // Nothing is read that would not be answered.
    if ((this.#told.get(parts.device)?.tokens(clock()) ?? 1) < 1) return
    try {
      this.refuse(parts.device, decodeMessage(packet, maxMessageBytes))
    } catch {
      // Of no use to anybody.
    }
  }

  #bucket(device: string, nowMs: number): TokenBucket {
    const bucket = this.#told.get(device) ?? new TokenBucket(PER_SECOND, AT_ONCE, nowMs)
    this.#told.delete(device)
    this.#told.set(device, bucket)
    if (this.#told.size > this.#options.maxDevices) {
      const [longestSilent] = this.#told.keys()
      this.#told.delete(longestSilent!)
    }
    return bucket
  }
}

/** The first 8 hex digits of the family's hash, as in the topic of its patches. */
function nameOf(key: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(key)
  return bytes.toString('hex')
}
