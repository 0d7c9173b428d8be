import type { KeyObject } from 'node:crypto'
import { checkIssued, checkSignature, readEnvelope } from './envelope.ts'
import { patchError } from './errors.ts'
import { compareVersions, type PatchHeader, type PatchVersion } from './header.ts'

export interface PatchRelayOptions {
  /** The key that is trusted: what others have signed is not passed on. */
  readonly publicKey: KeyObject
  /** How often a patch may be passed on before those who get it keep it to themselves. Default 3. */
  readonly maxHops?: number
  /** Base networks that are served; patches of others are turned down. Default 16. */
  readonly maxFamilies?: number
  /** Most bytes kept for a family. Default 1 MiB. */
  readonly maxFamilyBytes?: number
}

export interface Received {
  readonly header: PatchHeader
  /** Whether it was new here. */
  readonly isNews: boolean
  /** Whether neighbours are to be told: it is new and has not come too far. */
  readonly passOn: boolean
}

interface Kept {
  readonly header: PatchHeader
  readonly bytes: Uint8Array
}

/** A family by the SHA-256 of its base network, in hex. */
export const familyName = (family: Uint8Array): string => Buffer.from(family).toString('hex')

/**
 * What a gateway does with patches: it takes each once over its slow uplink and hands it to its neighbours, who may come late. It keeps, for
 * each family, the newest snapshot and the deltas that follow it, and needs to know no network. Pure: whoever holds the links sends.
 */
export class PatchRelay {
  private readonly options: Required<PatchRelayOptions>
  private readonly families = new Map<string, Kept[]>()
  private readonly gaps = new Set<string>()

  constructor(options: PatchRelayOptions) {
    this.options = { maxHops: 3, maxFamilies: 16, maxFamilyBytes: 2 ** 20, ...options }
  }

  /**
   * Takes a patch that came from the server (`hops` 0) or from a relay that got it after so many hops.
   * Throws PATCH_MALFORMED, PATCH_CORRUPT, PATCH_UNTRUSTED, PATCH_FROM_THE_FUTURE, and PATCH_OTHER_FAMILY when as many families as are
   * allowed are served; then nothing has changed.
   */
  receive(bytes: Uint8Array, hops: number, nowS: number, toleranceS = 300): Received {
    const envelope = readEnvelope(bytes)
    const { header } = envelope
    const name = familyName(header.family)
    const chain = this.families.get(name) ?? []
    const newest = chain.at(-1)?.header
    const known = { header, isNews: false, passOn: false }
    if (newest && compareVersions(header, newest) <= 0) return known
    checkSignature(envelope, this.options.publicKey)
    checkIssued(header, nowS, toleranceS)
    if (!this.families.has(name) && this.families.size >= this.options.maxFamilies)
      throw patchError('PATCH_OTHER_FAMILY', `${this.families.size} families are served already`)
    if (header.against !== 0 && !(newest && isNext(header, newest))) {
      // Of no use to whoever cannot follow it, so that it is not passed on either.
      this.gaps.add(name)
      return known
    }
    const kept = { header, bytes: bytes.slice() }
    const longer = header.against === 0 ? [kept] : [...chain, kept]
    if (longer.reduce((sum, patch) => sum + patch.bytes.length, 0) > this.options.maxFamilyBytes) {
      this.gaps.add(name)
      return known
    }
    this.families.set(name, longer)
    this.gaps.delete(name)
    return { header, isNews: true, passOn: hops < this.options.maxHops }
  }

  /** The newest version that is kept of a family. */
  newest(family: string): PatchVersion | undefined {
    return this.families.get(family)?.at(-1)?.header
  }

  /** Whether a patch was missed, so that a snapshot is to be asked for. */
  needsSnapshot(family: string): boolean {
    return this.gaps.has(family)
  }

  /**
   * What a neighbour who holds `held` has to take, in order, to hold the newest: the deltas after its version if all are kept, else the
   * snapshot and what follows it. Empty when it has nothing to take.
   */
  serve(family: string, held: PatchVersion): readonly Uint8Array[] {
    const chain = this.families.get(family) ?? []
    const newest = chain.at(-1)
    if (!newest || compareVersions(newest.header, held) <= 0) return []
    const at = chain.findIndex(({ header }) => compareVersions(header, held) === 0)
    return chain.slice(at + 1).map(({ bytes }) => bytes)
  }
}

const isNext = ({ epoch, against }: PatchHeader, newest: PatchVersion): boolean =>
  compareVersions(newest, { epoch, version: against }) === 0
