import type { KeyObject } from 'node:crypto'
import type { NormLayout } from '../adapt/norm-layers.ts'
import { checkNormParameters, type NormParameters } from '../adapt/norm-parameters.ts'
import { encodePatch } from './encode.ts'
import { patchError } from './errors.ts'
import type { PatchDtype, PatchVersion } from './header.ts'
import { parametersOfBytes, parametersToBytes } from './parameter-bytes.ts'

/** A `snapshot` builds on the base network, and any device of the family can take it; a `delta` builds on the version before. */
export type PatchKind = 'snapshot' | 'delta'

export interface PatchWriterOptions {
  readonly layout: NormLayout
  /** SHA-256 of the ONNX file of the base network. */
  readonly family: Uint8Array
  /** What that file holds. */
  readonly base: NormParameters
  readonly privateKey: KeyObject
  /** Default int8. */
  readonly dtype?: PatchDtype
  /** The layers that travel. Default: all. */
  readonly layers?: readonly number[]
  /** A patch no more often than every so many steps of learning. Default 1. */
  readonly everySteps?: number
  /** And no sooner than so long after the last one. Default 10 s. */
  readonly minIntervalS?: number
  /** Every so many patches one is a snapshot; 1: all are. Default 8. */
  readonly snapshotEvery?: number
  /** The epoch of a writer that begins without a state: later than that of any before it, say the time in seconds. */
  readonly epoch: number
}

/** All that a writer has to remember across restarts; plain JSON. */
export interface WriterState extends PatchVersion {
  readonly steps: number
  readonly sinceSnapshot: number
  readonly wantsSnapshot: boolean
  readonly publishedS: number | null
  /** Base64 of the parameters that receivers hold. */
  readonly held: string
}

export interface PublishedPatch extends PatchVersion {
  readonly kind: PatchKind
  readonly bytes: Uint8Array
  /** What receivers hold from now on. */
  readonly parameters: NormParameters
}

/**
 * Makes the patches of one family. Each is the difference between what receivers hold after all that was rounded before and what they are
 * to hold: a rounding error is part of the next difference, so that errors do not add up however long it goes on.
 */
export class PatchWriter {
  private readonly options: PatchWriterOptions
  private counts: Omit<WriterState, 'held'>
  private held: NormParameters

  /** Throws PATCH_BAD_OPTION, and NORM_MISMATCH or NORM_NOT_FINITE for a state of another network. */
  constructor(options: PatchWriterOptions, state?: WriterState) {
    const { layout, base, everySteps = 1, minIntervalS = 10, snapshotEvery = 8 } = options
    for (const [name, value] of Object.entries({ everySteps, snapshotEvery }))
      if (!(Number.isSafeInteger(value) && value >= 1))
        throw patchError('PATCH_BAD_OPTION', `${name}: ${value} is no whole number from 1`)
    if (!(minIntervalS >= 0)) throw patchError('PATCH_BAD_OPTION', `minIntervalS: ${minIntervalS}`)
    checkNormParameters(base, layout)
    this.options = { ...options, everySteps, minIntervalS, snapshotEvery }
    if (state) {
      const { held, ...counts } = state
      this.counts = counts
      this.held = parametersOfBytes(Buffer.from(held, 'base64'))
      checkNormParameters(this.held, layout)
    } else {
      const { epoch } = options
      this.counts = { epoch, version: 0, steps: 0, sinceSnapshot: 0, wantsSnapshot: true, publishedS: null }
      this.held = base
    }
  }

  get state(): WriterState {
    return { ...this.counts, held: Buffer.from(parametersToBytes(this.held)).toString('base64') }
  }

  /** What receivers hold that have the newest patch. */
  get parameters(): NormParameters {
    return this.held
  }

  get version(): PatchVersion {
    return { epoch: this.counts.epoch, version: this.counts.version }
  }

  /** A receiver cannot follow: the next patch is a snapshot, and does not wait for steps of learning. */
  askSnapshot(): void {
    this.counts = { ...this.counts, wantsSnapshot: true }
  }

  /** Counts steps of learning, and makes a patch if one is due. Throws as `publish` does. */
  offer(target: NormParameters, nowS: number, steps = 1): PublishedPatch | undefined {
    this.counts = { ...this.counts, steps: this.counts.steps + steps }
    return this.isDue(nowS) ? this.publish(target, nowS) : undefined
  }

  /** Whether a patch may be made now. */
  isDue(nowS: number): boolean {
    const { steps, wantsSnapshot, publishedS, version } = this.counts
    const { everySteps, minIntervalS } = this.options
    const isAsked = wantsSnapshot && version > 0
    if (steps < everySteps! && !isAsked) return false
    // A clock that was set back is no reason to wait for as long.
    return publishedS === null || nowS < publishedS || nowS - publishedS >= minIntervalS!
  }

  /**
   * Makes a patch at once, for what cannot wait: the way back to parameters that were good.
   * Throws NORM_MISMATCH, NORM_NOT_FINITE, PATCH_BAD_VALUES and PATCH_BAD_KEY; then nothing has changed.
   */
  publish(target: NormParameters, nowS: number): PublishedPatch {
    const { layout, family, base, privateKey, dtype = 'int8', layers, snapshotEvery } = this.options
    const { epoch, version: before, sinceSnapshot, wantsSnapshot } = this.counts
    const isSnapshot = wantsSnapshot || sinceSnapshot + 1 >= snapshotEvery!
    const version = before + 1
    const { bytes, result } = encodePatch({
      layout,
      family,
      epoch,
      version,
      against: isSnapshot ? 0 : before,
      target,
      reference: isSnapshot ? base : this.held,
      dtype,
      ...(layers ? { layers } : {}),
      issuedS: nowS,
      privateKey,
    })
    this.held = result
    this.counts = {
      epoch,
      version,
      steps: 0,
      sinceSnapshot: isSnapshot ? 0 : sinceSnapshot + 1,
      wantsSnapshot: false,
      publishedS: nowS,
    }
    return { kind: isSnapshot ? 'snapshot' : 'delta', epoch, version, bytes, parameters: result }
  }
}
