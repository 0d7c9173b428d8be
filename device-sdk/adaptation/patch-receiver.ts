import type { KeyObject } from 'node:crypto'
import type { NormParameters } from '@isthmus/models/adapt/norms'
import { applyPatch, compareVersions, decodePatch } from '@isthmus/models/patch'
import type { Session } from '@isthmus/models/runtime'
import type { CollapseGuard } from '@isthmus/policies/upload'
import type { Clock } from '../clock.ts'
import { allFinite } from '../guesses.ts'
import { AS_PACKED, type LoadedModel, type ModelVersion } from '../loaded-model.ts'
import type { ModelRunner } from '../model-runner.ts'
import type { AdaptationEvent, PatchedRole } from './events.ts'
import { type AskForPatch, PatchRequests } from './patch-requests.ts'
import type { PatchStore } from './patch-store.ts'
import type { PatchedNetwork } from './patched-network.ts'
import type { ProbeSet } from './probe-set.ts'

/** Of two threads, where a model's sessions live: the next one is opened where the one that answers is not. */
export type Place = 0 | 1

export interface ReceiverParts {
  readonly role: PatchedRole
  /** SHA-256 of the ONNX file, in hex. */
  readonly family: string
  readonly network: PatchedNetwork
  readonly runner: ModelRunner
  readonly publicKey: KeyObject
  readonly openModel: (file: Uint8Array, place: Place) => Promise<Session>
  readonly store: PatchStore | undefined
  readonly guard: CollapseGuard | undefined
  readonly probes: ProbeSet | undefined
  readonly clock: Clock
  /** Seconds since 1970. */
  readonly wallS: () => number
  readonly ask: (held: ModelVersion) => AskForPatch
  readonly tell: (event: AdaptationEvent) => void
}

export interface PatchStats {
  /** What answers now. */
  readonly version: ModelVersion
  /** What a roll-back goes to, and a start begins from. */
  readonly lastGood: ModelVersion
  readonly adopted: number
  readonly rolledBack: number
  /** By code. */
  readonly refused: Readonly<Record<string, number>>
  readonly requests: number
}

interface State {
  readonly version: ModelVersion
  /** Undefined: as packed. */
  readonly parameters: NormParameters | undefined
}

/** Patches that wait for the one before them. */
const MOST_WAITING = 8
const RETRY_MS = 10_000
/** Requests in a row that the server had no tail for: then the head goes back to what every server has. */
const MISMATCHES = 3

const NO_NUMBERS = 'the patched model gives NaN or an infinity'

const packed: State = { version: AS_PACKED, parameters: undefined }

/**
 * Takes the patches of one model: checks each, makes the patched model and opens it beside the one that answers, tries it, and puts it in
 * its place between two frames. What it replaces stays open until the guard has let the patch pass, so that going back costs nothing.
 * Whatever is wrong with a patch, the model that answers is untouched.
 */
export class PatchReceiver {
  readonly #parts: ReceiverParts
  readonly #requests: PatchRequests
  readonly #places = new WeakMap<LoadedModel, Place>()
  #held = packed
  #good = packed
  #newest = AS_PACKED
  /** The model of `#good` while another one is on trial. */
  #kept: LoadedModel | undefined
  #place: Place = 0
  #waiting: Uint8Array[] = []
  #working: Promise<void> | undefined
  #storing: Promise<void> = Promise.resolve()
  #fromTheFuture: { readonly bytes: Uint8Array; readonly againMs: number } | undefined
  #mismatches = 0
  #closed = false
  #adopted = 0
  #rolledBack = 0
  readonly #refused: Record<string, number> = {}

  constructor(parts: ReceiverParts) {
    this.#parts = parts
    this.#requests = new PatchRequests(parts.clock, (reason, refused) =>
      parts.ask(this.#held.version)(reason, refused),
    )
  }

  get stats(): PatchStats {
    return {
      version: this.#held.version,
      lastGood: this.#good.version,
      adopted: this.#adopted,
      rolledBack: this.#rolledBack,
      refused: { ...this.#refused },
      requests: this.#requests.sent,
    }
  }

  /** Begins from the last good version, where one was stored, and tries the probes on the network as packed. */
  async restore(): Promise<void> {
    const { store, probes, runner } = this.#parts
    await probes?.measureBase((input) => runner.run(input))
    const stored = await store?.load()
    if (!stored) return
    this.#newest = stored.newest
    const { version, parameters } = stored
    if (!parameters) return
    try {
      const model = await this.#prepare({ version, parameters })
      void runner.swap(model).retire()
      this.#settleAt({ version, parameters }, model)
      this.#good = this.#held
    } catch (error) {
      this.#refuse(codeOf(error) ?? 'MODEL_BROKEN', error)
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

  /** An answer of the model that this looks after. */
  answered(version: ModelVersion, entropy: () => { entropy: number; label: number }): void {
    this.#mismatches = 0
    const { guard } = this.#parts
    if (!guard || !isSame(version, this.#held.version)) return
    const { entropy: nats, label } = entropy()
    const verdict = guard.add(nats, label)
    if (verdict === 'passed') this.#pass()
    else if (verdict) this.#rollBack(verdict)
  }

  /** The server has no tail for this version of the head. */
  mismatched(version: ModelVersion): void {
    if (!isSame(version, this.#held.version)) return
    this.#requests.want('gap')
    this.#mismatches++
    if (this.#mismatches >= MISMATCHES && this.#held !== packed)
      this.#startRevert('the server has no tail for it')
  }

  /** It gives no numbers. Whether another form of the model is in its place already, to try the frame again. */
  broken(version: ModelVersion): boolean {
    if (!isSame(version, this.#held.version)) return true
    if (this.#kept) {
      this.#rollBack(NO_NUMBERS)
      return true
    }
    if (this.#held !== packed) this.#startRevert(NO_NUMBERS)
    return false
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
    await this.#storing
    await this.#kept?.retire()
  }

  /** Resolves when all that has come has been dealt with. */
  async idle(): Promise<void> {
    while (this.#working) await this.#working
    await this.#storing
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next && !this.#closed; next = this.#waiting.shift()) {
      try {
        await this.#adopt(next)
      } catch (error) {
        this.#onRefusal(next, error)
      }
    }
    this.#working = undefined
  }

  #next(): void {
    this.#working = undefined
    if (this.#waiting.length > 0) this.#working = this.#work()
  }

  async #adopt(bytes: Uint8Array): Promise<void> {
    const { network, family, publicKey, runner, guard, probes, wallS } = this.#parts
    const held = this.#held
    const patch = decodePatch(bytes, {
      layout: network.layout,
      family: Uint8Array.from(Buffer.from(family, 'hex')),
      publicKey,
      current: held.version,
      newest: this.#newest,
      nowS: wallS(),
    })
    const current = held.parameters ?? network.base
    const parameters = applyPatch(patch, { base: network.base, current })
    const { epoch, version } = patch.header
    const next: State = { version: { epoch, version }, parameters }
    const model = await this.#prepare(next)
    const complaint = await this.#complaintOf(model, probes)
    // While it was made ready the device may have gone back from what it builds on.
    const isStale = this.#held !== held
    if (this.#closed || complaint || isStale) {
      await model.retire()
      if (complaint) {
        this.#newest = next.version
        this.#refuse('PROBE_DROP', complaint)
        this.#requests.want('rolledBack', next.version)
        this.#store()
      } else if (isStale) this.#requests.want('gap')
      return
    }
    // From here to the end nothing waits: the next frame runs on the new model, and it is known which one that is.
    const before = runner.swap(model)
    this.#newest = next.version
    this.#adopted++
    if (guard && this.#kept === undefined) this.#kept = before
    else void before.retire()
    this.#settleAt(next, model)
    guard?.adopted()
    this.#requests.adopted()
    this.#parts.tell({ kind: 'adopted', role: this.#parts.role, version: next.version })
    if (!guard) this.#pass()
  }

  async #prepare({ version, parameters }: State): Promise<LoadedModel> {
    const { network, runner, openModel } = this.#parts
    const place: Place = this.#place === 0 ? 1 : 0
    const file = network.file(parameters ?? network.base)
    const model = await runner.prepare(() => openModel(file, place), version)
    this.#places.set(model, place)
    return model
  }

  async #complaintOf(model: LoadedModel, probes: ProbeSet | undefined): Promise<string | undefined> {
    const { runner } = this.#parts
    try {
      return await probes?.complaint(async (input) => {
        const output = await runner.runOn(model, input)
        if (!allFinite(output)) throw new Error(NO_NUMBERS)
        return output
      })
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  #settleAt(state: State, model: LoadedModel): void {
    this.#held = state
    this.#place = this.#places.get(model) ?? 0
    this.#mismatches = 0
  }

  /** What is held has proved itself. */
  #pass(): void {
    this.#good = this.#held
    void this.#kept?.retire()
    this.#kept = undefined
    this.#store()
  }

  #rollBack(why: string): void {
    const { runner, guard, role, tell } = this.#parts
    const kept = this.#kept
    if (!kept) return
    const from = this.#held.version
    void runner.swap(kept).retire()
    this.#kept = undefined
    this.#settleAt(this.#good, kept)
    guard?.rolledBack()
    this.#rolledBack++
    tell({ kind: 'rolled-back', role, from, to: this.#good.version, why })
    this.#requests.want('rolledBack', from)
    this.#store()
  }

  #startRevert(why: string): void {
    if (this.#working || this.#closed) return
    this.#working = this.#revert(why).finally(() => this.#next())
  }

  /** Back to the network as packed, which fits every server. */
  async #revert(why: string): Promise<void> {
    const { runner, role, tell } = this.#parts
    const from = this.#held.version
    try {
      const model = await this.#prepare(packed)
      void runner.swap(model).retire()
      void this.#kept?.retire()
      this.#kept = undefined
      this.#settleAt(packed, model)
      this.#good = packed
      tell({ kind: 'rolled-back', role, from, to: AS_PACKED, why })
      this.#store()
    } catch (error) {
      this.#refuse('MODEL_BROKEN', error)
    }
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

  #store(): void {
    const { store, role, tell } = this.#parts
    if (!store) return
    const stored = { ...this.#good, newest: this.#newest }
    this.#storing = this.#storing
      .then(() => store.save(stored))
      .catch((error) => tell({ kind: 'not-stored', role, detail: String(error) }))
  }
}

const isSame = (a: ModelVersion, b: ModelVersion): boolean => compareVersions(a, b) === 0

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
