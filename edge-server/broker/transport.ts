/** Called for each message that arrives. The bytes are a view that is valid only during the call. */
export type MessageHandler = (topic: string, packet: Uint8Array, retained: boolean) => void

/** The two delivery classes that Isthmus uses: tensors at QoS 0, control at QoS 1 and mostly retained. */
export interface PublishOptions {
  readonly qos?: 0 | 1
  readonly retain?: boolean
}

/**
 * How the server talks MQTT: over the broker inside this process or over one elsewhere.
 * Nothing here waits for a slow reader; what cannot be sent is dropped, since the reply is the acknowledgement.
 */
export interface Transport {
  /** Sends a message. A QoS 0 message is dropped while there is no connection. Rejects never. */
  publish(topic: string, packet: Uint8Array, options?: PublishOptions): Promise<void>
  /** Resolves when the broker has granted the filters; they stay granted across reconnections. */
  subscribe(filters: readonly string[]): Promise<void>
  /** Sets the one handler of arriving messages. */
  onMessage(handler: MessageHandler): void
  /** Sets the one handler of a connection that came back (retained state may have to be said again). */
  onReconnect(handler: () => void): void
  /** Whether there is a broker to talk to right now. */
  readonly connected: boolean
  /** Ends the connection, or the broker with all its connections. */
  close(): Promise<void>
}
