import { type BodyFields, encodeMessage, MAX_MESSAGE_BYTES } from '@isthmus/proto'

/** What a device has, and looks for at a server. */
export interface Offered {
  readonly kind: 'bundle' | 'pipeline'
  readonly name: string
  readonly version: string
  readonly key: number
}

/** Who a device is, and what it has. */
export interface DeviceIdentity {
  readonly software: string
  readonly offer: Offered
  /** Requests out at a time, unless the server grants fewer. */
  readonly credits: number
}

/** The retained message with which a device says that it is there. */
export function birthOf({ software, offer, credits }: DeviceIdentity): BodyFields {
  const { kind, name, version, key } = offer
  const offers = [{ name, version, key }]
  const has = kind === 'bundle' ? { bundles: offers } : { pipelines: offers }
  return { kind: 'birth', software, ...has, credits, maxMessageBytes: MAX_MESSAGE_BYTES }
}

/** The state that the broker publishes for a device of this boot when its connection breaks. */
export function lastWill(boot: number): Uint8Array {
  return encodeMessage({ envelope: { boot }, body: { kind: 'state', presence: 'offline' } })
}
