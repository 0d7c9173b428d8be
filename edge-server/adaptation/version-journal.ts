import type { PatchVersion } from '@isthmus/models/patch'
import { readWhole, writeWhole } from './state-file.ts'

/**
 * Counts versions so that none is ever used twice: the number is on the disk before it is used, and whoever loses the file begins a
 * new epoch, which every device takes for newer.
 */
export class VersionJournal {
  readonly #path: string
  #last: PatchVersion

  private constructor(path: string, last: PatchVersion) {
    this.#path = path
    this.#last = last
  }

  /** `nowS`: seconds since 1970, the epoch of a count that begins anew. */
  static async open(path: string, nowS: number): Promise<VersionJournal> {
    const text = (await readWhole(path))?.toString()
    return new VersionJournal(path, readVersion(text) ?? { epoch: Math.floor(nowS), version: 0 })
  }

  /** The newest version that may have gone out; version 0: none of this epoch. */
  get last(): PatchVersion {
    return this.#last
  }

  /** A version that was never used. It is spent even when nothing goes out with it. */
  async next(): Promise<PatchVersion> {
    const { epoch, version } = this.#last
    const next = { epoch, version: version + 1 }
    await writeWhole(this.#path, Buffer.from(`${JSON.stringify(next)}\n`))
    this.#last = next
    return next
  }
}

function readVersion(text: string | undefined): PatchVersion | undefined {
  if (text === undefined) return undefined
  try {
    const { epoch, version } = JSON.parse(text) as PatchVersion
    const isCount = (value: number) => Number.isInteger(value) && value >= 0 && value < 2 ** 32
    return isCount(epoch) && isCount(version) ? { epoch, version } : undefined
  } catch {
    return undefined
  }
}
