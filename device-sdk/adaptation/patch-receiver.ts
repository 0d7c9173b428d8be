import type { KeyObject } from 'node:crypto'
import { applyPatch, decodePatch } from '@isthmus/models/patch'
import type { Clock } from '../clock.ts'
import type { ModelVersion } from '../loaded-model.ts'
import { type AdaptedModel, codeOf, isSame, type TakenBack } from './adapted-model.ts'
import type { AdaptationEvent, PatchedRole } from './events.ts'
import { type AskForPatch, PatchRequests } from './patch-requests.ts'

export interface ReceiverParts {
  readonly role: PatchedRole
  /** SHA-256 of the ONNX file, in hex. */
  readonly family: string
  readonly model: AdaptedModel
  readonly publicKey: KeyObject
  readonly clock: Clock
  /** Seconds since 1970. */
  readonly wallS: () => number
  readonly ask: (held: ModelVersion) => AskForPatch
  readonly tell: (event: AdaptationEvent) => void
}

export interface PatchStats {
  /** What is held: it answers, unless the network as packed does (`statistics`). */
  readonly version: ModelVersion
  /** What a roll-back goes to, and a start begins from. */
  readonly lastGood: ModelVersion
  readonly adopted: number
  readonly rolledBack: number
  /** By code. */
  readonly refused: Readonly<Record<string, number>>
  readonly requests: number
}

/** Patches that wait for the one before them. */
const MOST_WAITING = 8
const RETRY_MS = 10_000
/** Requests in a row that the server had no tail for: then the head goes back to what every server has. */
const MISMATCHES = 3

/**
 * Takes the patches of one model: checks each, and lets the model put it in place. Whatever is wrong with a patch, the model that answers
 * is untouched.
 */
export class PatchReceiver {
  readonly #parts: ReceiverParts
  readonly #requests: PatchRequests
  #waiting: Uint8Array[] = []
  #working: Promise<void> | undefined
  #fromTheFuture: { readonly bytes: Uint8Array; readonly againMs: number } | undefined
  #mismatches = 0
  #closed = false
  #adopted = 0
  #rolledBack = 0
  readonly #refused: Record<string, number> = {}

  constructor(parts: ReceiverParts) {
    this.#parts = parts
    this.#requests = new PatchRequests(parts.clock, (reason, refused) =>
      parts.ask(parts.model.held.version)(reason, refused),
    )
    parts.model.onTakenBack.push((taken) => this.#onTakenBack(taken))
  }

  get stats(): PatchStats {
    const { held, good } = this.#parts.model
    return {
      version: held.version,
      lastGood: good.version,
      adopted: this.#adopted,
      rolledBack: this.#rolledBack,
      refused: { ...this.#refused },
      requests: this.#requests.sent,
    }
  }

  /** A patch has come; it is copied. */
  take(bytes: Uint8Array): void {
    this.#requests.heard()
    if (this.#closed) return
    this.#waiting.push(bytes.slice())
    // A patch that is left out shows as a gap: then a snapshot is asked for.
    if (this.#waiting.length > MOST_WAITING) this.#waiting.shift()
    this.#working ??= this.#work()
  }

  /** The server's tail has understood the head. */
  matched(): void {
    this.#mismatches = 0
  }

  /** The server has no tail for this version of the head. */
  mismatched(version: ModelVersion): void {
    const { model } = this.#parts
    if (!isSame(version, model.held.version)) return
    this.#requests.want('gap')
    this.#mismatches++
    if (this.#mismatches >= MISMATCHES) model.revert('the server has no tail for it')
  }

  tick(isOnline: boolean): void {
    this.#requests.tick(isOnline)
    const again = this.#fromTheFuture
    if (!again || this.#parts.clock.now() < again.againMs) return
    this.#fromTheFuture = undefined
    this.take(again.bytes)
  }

  /** Nothing is adopted any more; resolves when what was begun has ended. */
  async close(): Promise<void> {
    this.#closed = true
    this.#waiting = []
    await this.#working
  }

  /** Resolves when all that has come has been dealt with. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working
    await this.#parts.model.idle()
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next && !this.#closed; next = this.#waiting.shift()) {
      const bytes = next
      try {
        await this.#parts.model.exclusive(() => this.#adopt(bytes))
      } catch (error) {
        this.#onRefusal(bytes, error)
      }
    }
    this.#working = undefined
  }

  async #adopt(bytes: Uint8Array): Promise<void> {
    const { family, publicKey, model, role, tell, wallS } = this.#parts
    const { network, held, newest } = model
    const patch = decodePatch(bytes, {
      layout: network.layout,
      family: Uint8Array.from(Buffer.from(family, 'hex')),
      publicKey,
      current: held.version,
      newest,
      nowS: wallS(),
    })
    const current = held.parameters ?? network.base
    const parameters = applyPatch(patch, { base: network.base, current })
    const { epoch, version } = patch.header
    const next = { version: { epoch, version }, parameters, statistics: held.statistics }
    const put = await model.put(next, () => {
      model.newest = next.version
      this.#adopted++
      this.#mismatches = 0
      this.#requests.adopted()
      tell({ kind: 'adopted', role, version: next.version })
    })
    if (put === 'stale') this.#requests.want('gap')
    if (typeof put === 'string') return
    model.newest = next.version
    this.#refuse('PROBE_DROP', put.complaint)
    this.#requests.want('rolledBack', next.version)
    model.store()
  }

  #onTakenBack({ from, to }: TakenBack): void {
    if (isSame(from.version, to.version)) return
    this.#rolledBack++
    this.#mismatches = 0
    if (from.statistics === to.statistics) {
      this.#requests.want('rolledBack', from.version)
      return
    }
    // The device's own statistics have changed too: the patch may be innocent, and gets a trial of its own.
    this.#parts.model.newest = to.version
    this.#requests.want('gap')
  }

  #onRefusal(bytes: Uint8Array, error: unknown): void {
    const code = codeOf(error) ?? 'MODEL_BROKEN'
    this.#refuse(code, error)
    if (code === 'PATCH_FROM_THE_FUTURE')
      this.#fromTheFuture = { bytes, againMs: this.#parts.clock.now() + RETRY_MS }
    if (code === 'PATCH_NEEDS_SNAPSHOT') this.#requests.want('gap')
    if (code === 'PATCH_MALFORMED' || code === 'PATCH_CORRUPT') this.#requests.want('damaged')
  }

  #refuse(code: string, why: unknown): void {
    this.#refused[code] = (this.#refused[code] ?? 0) + 1
    const detail = why instanceof Error ? why.message : String(why)
    this.#parts.tell({ kind: 'refused', role: this.#parts.role, code, detail })
  }
}
