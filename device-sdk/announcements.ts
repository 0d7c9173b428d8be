import { type BodyFields, encodeMessage, MAX_MESSAGE_BYTES } from '@isthmus/proto'

/** Who a device is, and what it has. */
export interface DeviceIdentity {
  readonly software: string
  readonly bundle: { readonly name: string; readonly version: string; readonly key: number }
  /** Requests out at a time, unless the server grants fewer. */
  readonly credits: number
}

/** The retained message with which a device says that it is there. */
export function birthOf({ software, bundle, credits }: DeviceIdentity): BodyFields {
  const { name, version, key } = bundle
  const bundles = [{ name, version, key }]
  return { kind: 'birth', software, bundles, credits, maxMessageBytes: MAX_MESSAGE_BYTES }
}

/** The state that the broker publishes for a device of this boot when its connection breaks. */
export function lastWill(boot: number): Uint8Array {
  return encodeMessage({ envelope: { boot }, body: { kind: 'state', presence: 'offline' } })
}
