import type { InferReply, StagesReply, StagesRequest } from '@isthmus/proto'
import type { FallbackCode } from './fallback.ts'

/** The server's answer to a question. */
export interface Reply {
  readonly body: InferReply | StagesReply
  /** View into the packet, valid only during the call. */
  readonly payload: Uint8Array
  readonly bytesUp: number
  readonly bytesDown: number
  readonly uplinkMs: number
  readonly downlinkMs: number
}

interface Asked {
  /** In parts: one after another. */
  readonly payload: Uint8Array | readonly Uint8Array[]
  /** On the device's clock. */
  readonly deadlineAtMs: number
}

/** What is to be asked of a bundle. */
export interface InferQuestion extends Asked {
  readonly mode: number
  readonly route: 'split' | 'edge'
  readonly scale?: number
  readonly zeroPoint?: number
  /** The form of the head that made the latent; left out: as packed. */
  readonly patch?: number
  readonly patchEpoch?: number
  /** Of further tasks. */
  readonly decoders?: number[]
}

/** What is to be asked of a pipeline. */
export interface StagesQuestion extends Asked, Omit<StagesRequest, 'kind' | 'pipeline'> {}

export type Question = InferQuestion | StagesQuestion

/** A question in the hands of the link: sent, or waiting for a credit. */
export interface Ticket {
  /** Bytes of the message; 0 while it waits. */
  readonly bytesUp: number
  /** Stops waiting for an answer: its time is up. No handler is called any more. */
  giveUp(): void
}

/** An error of the server: a code of the wire's table, and what it says. */
export interface ServerRefusal {
  readonly code: string
  readonly detail: string
}

/** Called at most once, and never after `giveUp`. */
export interface ReplyHandlers {
  onReply(reply: Reply): void
  onFailure(code: FallbackCode, refusal?: ServerRefusal): void
}

/** Counted since the device was made. */
export interface LinkCounters {
  lateReplies: number
  /** Replies to nothing that is known: duplicates, or meant for an earlier life of this device. */
  strayReplies: number
  unreadablePackets: number
  /** Packets of ours that the server could not read. */
  rejectedPackets: number
  probes: number
  bytesUp: number
  bytesDown: number
}
