import { compareVersions } from '@isthmus/models/patch'
import type { Session } from '@isthmus/models/runtime'
import type { CollapseGuard } from '@isthmus/policies/upload'
import { allFinite } from '../guesses.ts'
import { AS_PACKED, type LoadedModel, type ModelVersion } from '../loaded-model.ts'
import type { ModelRunner } from '../model-runner.ts'
import { type AdaptedState, isPacked, packedState, parametersOf, shownVersion } from './adapted-state.ts'
import type { AdaptationEvent, PatchedRole } from './events.ts'
import type { PatchStore, StoredPatch } from './patch-store.ts'
import type { PatchedNetwork } from './patched-network.ts'
import type { ProbeSet } from './probe-set.ts'

/** Of two threads, where a model's sessions live: the next one is opened where the one that answers is not. */
export type Place = 0 | 1

export interface AdaptedModelParts {
  readonly role: PatchedRole
  readonly network: PatchedNetwork
  readonly runner: ModelRunner
  readonly openModel: (file: Uint8Array, place: Place) => Promise<Session>
  readonly store: PatchStore | undefined
  readonly guard: CollapseGuard | undefined
  readonly probes: ProbeSet | undefined
  readonly tell: (event: AdaptationEvent) => void
}

/** What a roll-back took back. */
export interface TakenBack {
  readonly from: AdaptedState
  readonly to: AdaptedState
}

/** What became of a state that was to answer. */
export type Put = 'in-place' | 'stale' | 'closed' | { readonly complaint: string }

export const NO_NUMBERS = 'the patched model gives NaN or an infinity'

/**
 * One model of a device in the form that it has now. Another form is opened beside the one that answers, tried, and put in its place between two
 * frames. What it replaces stays open until the guard has let it pass, so that going back costs nothing.
 */
export class AdaptedModel {
  /** Whoever has put something in place is told when it is taken back. */
  onTakenBack: ((taken: TakenBack) => void)[] = []
  /** The newest version that was ever taken: nothing older comes in again. */
  newest = AS_PACKED
  readonly #parts: AdaptedModelParts
  readonly #places = new WeakMap<LoadedModel, Place>()
  #held = packedState
  #good = packedState
  /** The model of `#good` while another one is on trial. */
  #kept: LoadedModel | undefined
  #place: Place = 0
  #chain: Promise<unknown> = Promise.resolve()
  #queued = 0
  #storing: Promise<void> = Promise.resolve()
  #isUnsaved = false
  #closed = false

  constructor(parts: AdaptedModelParts) {
    this.#parts = parts
  }

  get network(): PatchedNetwork {
    return this.#parts.network
  }

  get held(): AdaptedState {
    return this.#held
  }

  /** What a roll-back goes to, and a start begins from. */
  get good(): AdaptedState {
    return this.#good
  }

  /** The thread that answers no frames now. */
  get otherPlace(): Place {
    return this.#place === 0 ? 1 : 0
  }

  /** Begins from the last good state, where one was stored, and tries the probes on the network as packed. */
  async restore(): Promise<void> {
    const { store, probes, runner, role, tell } = this.#parts
    await probes?.measureBase((input) => runner.run(input))
    const stored = await store?.load()
    if (!stored) return
    this.newest = stored.newest
    const { version, parameters, statistics } = stored
    const state: AdaptedState = { version, parameters, statistics }
    try {
      if (isPacked(state)) this.#held = state
      else {
        const model = await this.#prepare(state)
        void runner.swap(model).retire()
        this.#settleAt(state, model)
      }
      this.#good = this.#held
    } catch (error) {
      tell({ kind: 'refused', role, code: codeOf(error) ?? 'MODEL_BROKEN', detail: String(error) })
    }
  }

  /** Runs works one after the other: each finds the state that the one before has left. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    this.#queued++
    const done = this.#chain.then(work).finally(() => this.#queued--)
    this.#chain = done.catch(() => {})
    return done
  }

  /**
   * Makes another state of the model and puts it in the place of the one that answers; only within `exclusive`. `adopted` is called in the
   * same turn in which it takes over. Throws what building, opening and running throw, and then nothing has changed.
   */
  async put(next: AdaptedState, adopted: () => void = () => {}): Promise<Put> {
    const { runner, guard, probes } = this.#parts
    const held = this.#held
    if (isPacked(held) && isPacked(next)) {
      // The same network: the patch waits for a shift.
      this.#held = next
      if (this.#kept === undefined) this.#good = next
      adopted()
      this.store()
      return 'in-place'
    }
    const model = await this.#prepare(next)
    const complaint = await this.#complaintOf(model, probes)
    // While it was made ready the device may have gone back from what it builds on.
    const isStale = this.#held !== held
    if (this.#closed || complaint || isStale) {
      await model.retire()
      return this.#closed ? 'closed' : complaint ? { complaint } : 'stale'
    }
    // From here to the end nothing waits: the next frame runs on the new model, and it is known which one that is.
    const before = runner.swap(model)
    if (guard && this.#kept === undefined) this.#kept = before
    else void before.retire()
    this.#settleAt(next, model)
    guard?.adopted()
    adopted()
    if (!guard) this.#pass()
    return 'in-place'
  }

  /** An answer of this model. */
  answered(version: ModelVersion, entropy: () => { entropy: number; label: number }): void {
    const { guard, runner } = this.#parts
    if (!guard || !isSame(version, runner.version)) return
    const { entropy: nats, label } = entropy()
    const verdict = guard.add(nats, label)
    if (verdict === 'passed') this.#pass()
    else if (verdict) this.#rollBack(verdict)
  }

  /** It gives no numbers. Whether another form of the model is in its place already, to try the frame again. */
  broken(version: ModelVersion): boolean {
    if (!isSame(version, this.#parts.runner.version)) return true
    if (this.#kept) {
      this.#rollBack(NO_NUMBERS)
      return true
    }
    this.revert(NO_NUMBERS)
    return false
  }

  /** Back to the network as packed, which fits every server; nothing when it is that, or when something else is on its way. */
  revert(why: string): void {
    if (this.#queued > 0 || this.#closed || isPacked(this.#held)) return
    void this.exclusive(() => this.#revert(why))
  }

  /** Keeps the last good state for the next start, unless that is kept already. */
  storeIfChanged(): void {
    if (this.#isUnsaved) this.store()
  }

  /** Keeps the last good state for the next start. */
  store(): void {
    this.#isUnsaved = false
    const { store, role, tell } = this.#parts
    if (!store) return
    const stored: StoredPatch = { ...this.#good, newest: this.newest }
    this.#storing = this.#storing
      .then(() => store.save(stored))
      .catch((error) => tell({ kind: 'not-stored', role, detail: String(error) }))
  }

  /** Resolves when nothing is being done. */
  async idle(): Promise<void> {
    while (this.#queued > 0) await this.#chain
    await this.#storing
  }

  /** Nothing is put in place any more; resolves when what was begun has ended. */
  async close(): Promise<void> {
    this.#closed = true
    await this.idle()
    await this.#kept?.retire()
  }

  async #prepare(state: AdaptedState): Promise<LoadedModel> {
    const { network, runner, openModel } = this.#parts
    const place = this.otherPlace
    const file = network.file(parametersOf(state, network.base))
    const model = await runner.prepare(() => openModel(file, place), shownVersion(state))
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

  #settleAt(state: AdaptedState, model: LoadedModel): void {
    this.#held = state
    this.#place = this.#places.get(model) ?? 0
  }

  /** What is held has proved itself. */
  #pass(): void {
    const isNew = !isSame(this.#good.version, this.#held.version)
    this.#good = this.#held
    void this.#kept?.retire()
    this.#kept = undefined
    // Statistics move all the time: they are stored when their owner says so.
    if (isNew) this.store()
    else this.#isUnsaved = true
  }

  #rollBack(why: string): void {
    const { runner, guard, role, tell } = this.#parts
    const kept = this.#kept
    if (!kept) return
    const [from, to] = [this.#held, this.#good]
    void runner.swap(kept).retire()
    this.#kept = undefined
    this.#settleAt(to, kept)
    guard?.rolledBack()
    tell({ kind: 'rolled-back', role, from: from.version, to: to.version, why })
    for (const told of this.onTakenBack) told({ from, to })
    this.store()
  }

  async #revert(why: string): Promise<void> {
    const { runner, role, tell } = this.#parts
    const from = this.#held
    try {
      const model = await this.#prepare(packedState)
      void runner.swap(model).retire()
      void this.#kept?.retire()
      this.#kept = undefined
      this.#settleAt(packedState, model)
      this.#good = packedState
      tell({ kind: 'rolled-back', role, from: from.version, to: AS_PACKED, why })
      this.store()
    } catch (error) {
      tell({ kind: 'refused', role, code: 'MODEL_BROKEN', detail: String(error) })
    }
  }
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

export const isSame = (a: ModelVersion, b: ModelVersion): boolean => compareVersions(a, b) === 0
