import { closeSync, openSync, readSync } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bottleneckError } from './errors.ts'
import { workHint, writable } from './writable.ts'

/** One field of a record: so many elements of so many bytes. */
export interface Field {
  readonly name: string
  readonly dtype: 'uint8' | 'float16' | 'float32'
  readonly length: number
}

const widths = { uint8: 1, float16: 2, float32: 4 } as const
export const fieldBytes = ({ dtype, length }: Field): number => length * widths[dtype]

/** What a record's fields hold, laid end to end for several records: the form in which a training step is fed. */
export type Columns = Readonly<Record<string, Uint8Array | Uint16Array | Float32Array>>

/**
 * Records of one size in one file, written one after the other and read at random: what the teacher gives for each view, worked out once. A
 * file that was cut short goes on behind its last whole record.
 */
export class ViewStore {
  readonly recordBytes: number
  readonly #file: string
  readonly #fields: readonly Field[]
  #reader: number | undefined

  private constructor(file: string, fields: readonly Field[]) {
    this.#file = file
    this.#fields = fields
    this.recordBytes = fields.reduce((sum, field) => sum + fieldBytes(field), 0)
  }

  /**
   * Opens the store of the run `identity` in `folder`, or begins it. Returns how many records it holds. Throws WORK_MISMATCH when the folder
   * belongs to another run, WORK_UNWRITABLE.
   */
  static async open(
    folder: string,
    identity: string,
    fields: readonly Field[],
  ): Promise<{ store: ViewStore; records: number }> {
    const store = new ViewStore(join(folder, 'views.bin'), fields)
    const label = join(folder, 'views.json')
    const stated = await readFile(label, 'utf8').catch(() => undefined)
    if (stated !== undefined && stated !== identity) {
      throw bottleneckError(
        'WORK_MISMATCH',
        `${folder} holds the work of another run (teacher, photos, cut or seed differ). Delete it, or name another folder with --work.`,
      )
    }
    if (stated === undefined) {
      await writable(folder, workHint, async () => {
        await mkdir(folder, { recursive: true })
        await writeFile(store.#file, new Uint8Array(0))
        await writeFile(`${label}.new`, identity)
        await rename(`${label}.new`, label)
      })
    }
    const size = await stat(store.#file).then(
      (entry) => entry.size,
      () => 0,
    )
    return { store, records: Math.floor(size / store.recordBytes) }
  }

  /** Writes `record(at)` for each `at` from `first` to below `count`. Throws WORK_UNWRITABLE naming the file. */
  async fill(first: number, count: number, record: (at: number) => Promise<Columns>): Promise<void> {
    if (first >= count) return
    let file: FileHandle | undefined
    try {
      file = await writable(this.#file, workHint, () => open(this.#file, 'r+'))
      for (let at = first; at < count; at++) {
        const columns = await record(at)
        const parts = this.#fields.map(({ name }) => {
          const { buffer, byteOffset, byteLength } = columns[name]!
          return new Uint8Array(buffer, byteOffset, byteLength)
        })
        const bytes = Buffer.concat(parts)
        await writable(this.#file, workHint, () => file!.write(bytes, 0, bytes.length, at * this.recordBytes))
      }
    } finally {
      await file?.close()
    }
  }

  /** The records at these places, field by field. */
  read(places: ArrayLike<number>): Columns {
    this.#reader ??= openSync(this.#file, 'r')
    const columns: Record<string, Uint8Array | Uint16Array | Float32Array> = {}
    let offset = 0
    for (const field of this.#fields) {
      const bytes = new Uint8Array(places.length * fieldBytes(field))
      for (let i = 0; i < places.length; i++) {
        const at = places[i]! * this.recordBytes + offset
        const got = readSync(this.#reader, bytes, i * fieldBytes(field), fieldBytes(field), at)
        if (got !== fieldBytes(field))
          throw bottleneckError('WORK_MISMATCH', `${this.#file} is cut short. Delete it.`)
      }
      columns[field.name] =
        field.dtype === 'uint8'
          ? bytes
          : field.dtype === 'float16'
            ? new Uint16Array(bytes.buffer)
            : new Float32Array(bytes.buffer)
      offset += fieldBytes(field)
    }
    return columns
  }

  close(): void {
    if (this.#reader !== undefined) closeSync(this.#reader)
    this.#reader = undefined
  }
}
