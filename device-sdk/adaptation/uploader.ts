import type { Mode } from '@isthmus/models/bundle'
import { quantize } from '@isthmus/models/codec'
import {
  allowedInputs,
  answerEntropy,
  type Passed,
  type Privacy,
  type UplinkBudget,
  type UploadQueue,
  type UploadSelector,
} from '@isthmus/policies/upload'
import type { BodyFields } from '@isthmus/proto'
import type { Clock } from '../clock.ts'
import type { InputShape } from '../frame.ts'
import type { ImageCoding, ImageWork } from '../images.ts'
import type { ModelVersion } from '../loaded-model.ts'
import type { AdaptationEvent } from './events.ts'
import type { GivenAnswer } from './observer.ts'

/** Why a sample that was worth sending did not go. */
export type DropReason = 'budget' | 'offline' | 'busy' | 'unwanted' | 'too-large' | 'no-picture'

export interface UploadStats {
  /** Answers that were looked at. */
  readonly seen: number
  readonly sent: number
  /** Of whole messages, as the budget counts them. */
  readonly sentBytes: number
  readonly waiting: number
  readonly passed: Readonly<Record<Passed, number>>
  readonly dropped: Readonly<Record<DropReason, number>>
}

type SampleBody = Extract<BodyFields, { kind: 'sample' }>

/** A sample that waits. */
export interface QueuedSample {
  readonly body: SampleBody
  readonly payload: Uint8Array
}

/** The way out, as far as samples need it. */
export interface Uplink {
  /** Why nothing should be sent now. */
  blocked(): 'offline' | 'busy' | undefined
  /** The server has said that it learns nothing from this device. */
  readonly isUnwanted: boolean
  /** Whether a frame is at work on this device: what is sent then takes processor time from it. */
  working(): boolean
  /** Whether it was handed over. */
  send(body: SampleBody, payload: Uint8Array): boolean
  readonly rateBps: number | undefined
  readonly largestBytes: number
}

export interface UploaderParts {
  readonly family: number
  readonly bundleKey: number
  readonly outputKind: 'logits' | 'probabilities'
  readonly shape: InputShape
  readonly images: ImageWork
  readonly image: ImageCoding
  readonly privacy: Privacy
  readonly selector: UploadSelector
  readonly budget: UplinkBudget
  readonly queue: UploadQueue<QueuedSample>
  readonly uplink: Uplink
  readonly clock: Clock
  readonly tell: (event: AdaptationEvent) => void
}

/** What a message holds beyond its payload, at most. */
const AROUND_BYTES = 128
/** They are few, small, and what is learned depends on them. */
const STATISTICS_WORTH = 1e9
/** Samples that go together, one right after the other: most frames then have no sending beside them, and a radio sleeps in between. */
const BURST = 8
const BURST_BYTES = 1 << 15
/** What is not enough for a burst goes after so long. */
const GATHER_MS = 500
/** Shortest pause between two samples: whatever else waits has its turn. */
const GAP_MS = 1
/** So soon it is looked again whether the frames are done. */
const WORKING_MS = 5
/** A device that is never idle lets a sample go after so long all the same. */
const PATIENCE_MS = 1000
/** Longest pause after a sample: what an estimate says of a link that has just been cut must not keep the next one for hours. */
const LONGEST_PAUSE_MS = 600_000
/** Samples take at most this share of the uplink's time: frames come first. */
const UPLINK_SHARE = 0.5

/**
 * Sends what is worth learning from, after its answer, when nothing else wants the uplink or the processor: in bursts, one sample at a time,
 * never while a request is out, and within the budget. What does not fit the queue is given up and counted.
 */
export class Uploader {
  readonly #parts: UploaderParts
  #number = 0
  #timer: unknown
  #coding = 0
  #closed = false
  /** Since when the next sample has waited for frames to be done. */
  #waitsSinceMs: number | undefined
  /** Since when there is something to send. */
  #gathersSinceMs = 0
  /** The timer waits for a burst. */
  #isGathering = false
  /** What waits is being sent, until nothing does. */
  #isBursting = false
  #blocked: 'budget' | 'offline' | 'busy' = 'busy'
  readonly #stats = {
    seen: 0,
    sent: 0,
    sentBytes: 0,
    passed: { certain: 0, unreliable: 0, similar: 0, 'ranked-out': 0 },
    dropped: { budget: 0, offline: 0, busy: 0, unwanted: 0, 'too-large': 0, 'no-picture': 0 },
  }

  constructor(parts: UploaderParts) {
    this.#parts = parts
  }

  get stats(): UploadStats {
    const { passed, dropped } = this.#stats
    return {
      ...this.#stats,
      passed: { ...passed },
      dropped: { ...dropped },
      waiting: this.#parts.queue.length,
    }
  }

  /** Looks at an answer of the local network, and copies what is to be sent. */
  offer(answer: GivenAnswer): void {
    const { selector, budget, clock, privacy, outputKind, shape, image, uplink } = this.#parts
    if (privacy === 'nothing' || this.#closed) return
    this.#stats.seen++
    const { entropy, probabilities } = answerEntropy(answer.output, outputKind)
    const { rgb } = answer.tensors
    const latent = latentOf(answer)
    const input = allowedInputs(privacy).find((kind) => (kind === 'pixels' ? rgb : latent) !== undefined)
    const bytes = input === 'latent' ? latent!.values.length : shape.count
    const verdict = selector.judge({
      entropy,
      probabilities,
      bytes: bytes + AROUND_BYTES,
      budgetLeft: budget.left(clock.now()),
    })
    if (!verdict.upload) {
      this.#stats.passed[verdict.why]++
      return
    }
    if (uplink.isUnwanted) {
      this.#stats.dropped.unwanted++
      return
    }
    const { family, bundleKey } = this.#parts
    const { version, epoch } = answer.version
    const body = { kind: 'sample', family, number: 0, entropy, patch: version, patchEpoch: epoch } as const
    if (input === 'latent') {
      const { mode, values } = latent!
      const { packed, scale, zeroPoint } = quantize(values, mode.quantizer)
      const range = mode.quantizer.kind === 'affine-dynamic' ? { scale, zeroPoint } : {}
      const from = latent!.version
      const head = { bundle: bundleKey, mode: mode.id, patch: from.version, patchEpoch: from.epoch }
      this.#add({ ...body, ...head, ...range, input }, packed, verdict.worth)
    } else if (input === 'pixels') {
      const copy = rgb!.slice()
      if (image.codec !== 'raw') void this.#code(body, copy, verdict.worth)
      else {
        const dims = [shape.height, shape.width, shape.channels]
        this.#add({ ...body, input, dims }, asBytes(copy), verdict.worth)
      }
    } else this.#stats.dropped['no-picture']++
  }

  /** Tells the server what the frames are like: coded statistics, and the patch that they were taken with. */
  offerStatistics(payload: Uint8Array, { version, epoch }: ModelVersion): void {
    const { privacy, family } = this.#parts
    if (privacy === 'nothing' || this.#closed) return
    const body = { kind: 'sample', family, number: 0, entropy: 0, patch: version, patchEpoch: epoch } as const
    this.#add({ ...body, input: 'statistics' }, payload, STATISTICS_WORTH)
  }

  /** Sends the next sample, if it may go now. To be called a few times a second, too. */
  pump(): void {
    const { queue, uplink, budget, clock, tell } = this.#parts
    if (this.#timer !== undefined || this.#closed) return
    const next = this.#next()
    if (!next) {
      this.#isBursting = false
      return
    }
    const nowMs = clock.now()
    this.#isBursting ||= this.#isBurst(nowMs)
    if (!this.#isBursting) {
      this.#later(this.#gathersSinceMs + GATHER_MS - nowMs)
      this.#isGathering = true
      return
    }
    const blocked = uplink.blocked() ?? (budget.allows(next.bytes, nowMs) ? undefined : 'budget')
    if (blocked) {
      this.#blocked = blocked
      return
    }
    if (uplink.working()) {
      this.#waitsSinceMs ??= nowMs
      if (nowMs - this.#waitsSinceMs < PATIENCE_MS) {
        this.#blocked = 'busy'
        this.#later(WORKING_MS)
        return
      }
    }
    this.#waitsSinceMs = undefined
    const { body, payload } = next.item
    const number = this.#number + 1
    if (!uplink.send({ ...body, number }, payload)) {
      this.#blocked = 'busy'
      return
    }
    this.#number = number
    this.#blocked = 'busy'
    budget.take(next.bytes, nowMs)
    queue.shift()
    this.#stats.sent++
    this.#stats.sentBytes += next.bytes
    tell({ kind: 'uploaded', number, input: body.input, bytes: next.bytes })
    const transferMs = uplink.rateBps ? (8000 * next.bytes) / uplink.rateBps : 0
    this.#later(Math.min(LONGEST_PAUSE_MS, Math.max(GAP_MS, transferMs / UPLINK_SHARE)))
  }

  close(): void {
    this.#closed = true
    this.#stopTimer()
  }

  /** What a server has announced since may be less than what was queued for another: that could never go, and what waits behind it neither. */
  #next() {
    const { queue, uplink } = this.#parts
    for (;;) {
      const next = queue.peek()
      if (!next || next.bytes <= uplink.largestBytes) return next
      queue.shift()
      this.#stats.dropped['too-large']++
    }
  }

  #isBurst(nowMs: number): boolean {
    const { queue } = this.#parts
    return queue.length >= BURST || queue.bytes >= BURST_BYTES || nowMs - this.#gathersSinceMs >= GATHER_MS
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.#parts.clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isGathering = false
  }

  async #code(body: Omit<SampleBody, 'input'>, rgb: Uint8Array | Uint8ClampedArray, worth: number) {
    const { images, shape, image } = this.#parts
    // Coding takes a processor: one picture at a time.
    if (this.#coding > 0) {
      this.#stats.dropped.busy++
      return
    }
    this.#coding++
    try {
      this.#add({ ...body, input: 'image' }, await images.encode(rgb, shape, image), worth)
    } catch {
      this.#stats.dropped['no-picture']++
    } finally {
      this.#coding--
    }
  }

  #add(body: SampleBody, payload: Uint8Array, worth: number): void {
    const { queue, budget, uplink, clock } = this.#parts
    const bytes = payload.length + AROUND_BYTES
    if (bytes > uplink.largestBytes) this.#stats.dropped['too-large']++
    // It could never go, and what waits behind it neither.
    else if (bytes > budget.largestBytes) this.#stats.dropped.budget++
    else {
      if (queue.length === 0) this.#gathersSinceMs = clock.now()
      const lost = queue.add({ body, payload }, bytes, worth).length
      this.#stats.dropped[uplink.blocked() ?? this.#blocked] += lost
      // A queue for fewer than a burst is full before: the next one like this would cost a sample.
      this.#isBursting ||= !queue.fits(bytes) || worth === STATISTICS_WORTH
      if (this.#isGathering && (this.#isBursting || this.#isBurst(clock.now()))) this.#stopTimer()
      if (this.#timer === undefined) this.#later(0)
    }
  }

  #later(ms: number): void {
    this.#timer = this.#parts.clock.setTimeout(() => {
      this.#timer = undefined
      this.#isGathering = false
      this.pump()
    }, ms)
  }
}

type SplitMode = Extract<Mode, { route: 'split' }>

/** The latent that a frame on its way to the server had when it was answered here after all. */
function latentOf({ mode, tensors }: GivenAnswer) {
  if (mode.route !== 'split') return undefined
  const made = tensors.made(mode.head ?? 'head')
  return made && { ...made, mode: mode satisfies SplitMode }
}

function asBytes(pixels: Uint8Array | Uint8ClampedArray): Uint8Array {
  return new Uint8Array(pixels.buffer, pixels.byteOffset, pixels.length)
}
