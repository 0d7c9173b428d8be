import type { Clock } from './clock.ts'
import type { Question, ReplyHandlers, Ticket } from './exchange.ts'
import type { FallbackCode } from './fallback.ts'
import { type Claim, RequestInbox } from './request-inbox.ts'

/** A request as it went out. */
export interface SentRequest {
  readonly id: number
  readonly sentMs: number
  readonly sentUs: number
  readonly bytesUp: number
}

/** A question from `ask` to its end. */
export interface Request extends SentRequest {
  readonly question: Question
  readonly handlers: ReplyHandlers
}

export interface OpenRequestsParts {
  readonly clock: Clock
  /** How many the server may have at once. */
  readonly credits: () => number
  /** Why a question cannot be sent now. */
  readonly refusalOf: (question: Question) => FallbackCode | undefined
  /** Sends one, or says why not. */
  readonly transmit: (question: Question) => SentRequest | FallbackCode
  /** A request that the server has is waited for no longer. */
  readonly onGivenUp: (request: SentRequest, nowMs: number) => void
}

/** The server may still be at work on a request for so long after its deadline, in ms. */
const GRACE_MS = 250

/**
 * Questions that have no answer yet: those that the server has, as many as it gives credits for, and as many again that wait for one. A newer frame
 * is worth more: one too many, and the oldest that waits fails.
 */
export class OpenRequests {
  readonly #parts: OpenRequestsParts
  readonly #inbox = new RequestInbox<Request>(GRACE_MS)
  /** Oldest first. */
  #waiting: Request[] = []

  constructor(parts: OpenRequestsParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#inbox.size + this.#waiting.length
  }

  get creditsLeft(): number {
    const { clock, credits } = this.#parts
    return Math.max(0, credits() - this.#inbox.occupied(clock.now()) - this.#waiting.length)
  }

  /** Sends a question, or lets it wait for a credit. Returns why not when nothing can be sent; then no handler is called. */
  ask(question: Question, handlers: ReplyHandlers): Ticket | FallbackCode {
    const { credits, refusalOf } = this.#parts
    const refusal = refusalOf(question)
    if (refusal) return refusal
    const request: Request = { question, handlers, id: 0, sentMs: 0, sentUs: 0, bytesUp: 0 }
    if (this.creditsLeft > 0) {
      const failure = this.#transmit(request)
      if (failure) return failure
    } else {
      this.#waiting.push(request)
      if (this.#waiting.length > credits()) this.#waiting.shift()!.handlers.onFailure('OVER_CREDIT')
    }
    return {
      get bytesUp() {
        return request.bytesUp
      },
      giveUp: () => this.#giveUp(request),
    }
  }

  /** Sends what has got a credit. */
  sendWaiting(): void {
    const { clock, credits, refusalOf } = this.#parts
    while (this.#waiting.length > 0 && this.#inbox.occupied(clock.now()) < credits()) {
      const request = this.#waiting.shift()!
      const failure = refusalOf(request.question) ?? this.#transmit(request)
      if (failure) request.handlers.onFailure(failure)
    }
  }

  /** Matches a reply with its request, by its number and by the time of sending that it echoes. */
  claim(id: number, echoUs: number): Claim<Request> {
    return this.#inbox.claim(id, echoUs)
  }

  /** No reply will come to those there are. */
  failAll(code: FallbackCode): void {
    const requests = [...this.#inbox.drain(), ...this.#waiting]
    this.#waiting = []
    for (const request of requests) request.handlers.onFailure(code)
  }

  #transmit(request: Request): FallbackCode | undefined {
    const sent = this.#parts.transmit(request.question)
    if (typeof sent === 'string') return sent
    this.#inbox.open(sent.id, Object.assign(request, sent))
    return undefined
  }

  #giveUp(request: Request): void {
    const at = this.#waiting.indexOf(request)
    if (at >= 0) this.#waiting.splice(at, 1)
    const nowMs = this.#parts.clock.now()
    if (this.#inbox.giveUp(request.id, nowMs)) this.#parts.onGivenUp(request, nowMs)
  }
}
