/**
 * A connection to a broker that looks after itself: it connects when started, comes back by itself when it breaks,
 * and never throws or rejects because the broker is not there.
 */
export interface Transport {
  /** Starts connecting; called once. */
  start(handlers: TransportHandlers): void
  /** Subscribes in one packet. Only while online; after a reconnect everything is subscribed anew. */
  subscribe(filters: readonly string[]): void
  /** Hands one packet to the connection. False when offline or when too much still waits to be written. */
  publish(topic: string, packet: Uint8Array, options?: { qos?: 0 | 1; retain?: boolean }): boolean
  /** Says goodbye (the last will is not sent) and stops reconnecting. */
  close(): Promise<void>
}

export interface TransportHandlers {
  onOnline(): void
  onOffline(): void
  onMessage(topic: string, packet: Uint8Array): void
}
