import type { NormParameters } from '@isthmus/models/adapt'
import { PatchWriter, type PatchWriterOptions, type WriterState } from '@isthmus/models/patch'
import { readWhole, writeWhole } from './state-file.ts'

/** A patch that is out, or about to be. */
export interface OutPatch {
  readonly epoch: number
  readonly version: number
  readonly bytes: Uint8Array
}

/** Where a family's versions go out. */
export interface Outlet {
  /** The newest patch; any device of the family can take it. */
  readonly newest: OutPatch | undefined
  /** 0 when nothing has gone out. */
  readonly version: number
  /** Makes a version; it may be sent when this resolves. */
  publish(parameters: NormParameters, nowS: number): Promise<OutPatch>
}

interface Journal {
  readonly writer: WriterState
  /** Base64. */
  readonly patch: string
}

/**
 * Makes the patches of one family and keeps count. What is to go out is on the disk before it does, so that a version never has two
 * contents: who was killed in between sends the same again. Who loses the file begins a new epoch, which every device takes for newer.
 *
 * Each patch is the difference to the base network, not to the version before: a device that was away needs the newest one only, and
 * what rounding takes does not add up.
 */
export class Publisher implements Outlet {
  readonly #path: string
  readonly #writer: PatchWriter
  #newest: OutPatch | undefined

  private constructor(path: string, writer: PatchWriter, newest: OutPatch | undefined) {
    this.#path = path
    this.#writer = writer
    this.#newest = newest
  }

  /** `nowS`: seconds since 1970. `onLost` is told why a file that was there cannot be gone on from. */
  static async open(
    path: string,
    options: Omit<PatchWriterOptions, 'epoch' | 'snapshotEvery' | 'everySteps' | 'minIntervalS'>,
    nowS: number,
    onLost: (reason: string) => void = () => {},
  ): Promise<Publisher> {
    const writerOptions = { ...options, snapshotEvery: 1, epoch: Math.floor(nowS) }
    const text = (await readWhole(path))?.toString()
    if (text === undefined) return new Publisher(path, new PatchWriter(writerOptions), undefined)
    try {
      const { writer: state, patch } = JSON.parse(text) as Journal
      const writer = new PatchWriter(writerOptions, state)
      const { epoch, version } = writer.version
      return new Publisher(path, writer, { epoch, version, bytes: Buffer.from(patch, 'base64') })
    } catch (error) {
      onLost(error instanceof Error ? error.message : String(error))
      return new Publisher(path, new PatchWriter(writerOptions), undefined)
    }
  }

  /** The newest patch; any device of the family can take it. */
  get newest(): OutPatch | undefined {
    return this.#newest
  }

  /** 0 when nothing has gone out. */
  get version(): number {
    return this.#newest?.version ?? 0
  }

  /** What the next patch will be called. */
  get next(): { readonly epoch: number; readonly version: number } {
    const { epoch, version } = this.#writer.version
    return { epoch, version: version + 1 }
  }

  /** Makes a patch and writes it down; it may be sent when this resolves. Throws what `PatchWriter.publish` throws, or of the disk. */
  async publish(parameters: NormParameters, nowS: number): Promise<OutPatch> {
    const { epoch, version, bytes } = this.#writer.publish(parameters, nowS)
    const journal: Journal = { writer: this.#writer.state, patch: Buffer.from(bytes).toString('base64') }
    await writeWhole(this.#path, Buffer.from(JSON.stringify(journal)))
    this.#newest = { epoch, version, bytes }
    return this.#newest
  }
}
