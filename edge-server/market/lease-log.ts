import { type FileHandle, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from '@isthmus/proto'
import { z } from 'zod'
import { makeFolder } from '../kept-folder.ts'
import type { Journal } from './journal.ts'
import type { LedgerEntry } from './lease-ledger.ts'

const whole = z.int().min(0)
const key = { device: z.string(), boot: whole, id: whole }
const entrySchema: z.ZodType<LedgerEntry> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('order'),
    number: whole,
    holder: z.string(),
    round: whole,
    part: z.int().min(-1),
  }),
  z.object({
    kind: z.literal('lease'),
    ...key,
    nonce: whole,
    demand: z.array(z.number().min(0)).length(4),
    payment: z.number(),
    term: whole,
    round: whole,
    credits: whole,
  }),
  z.object({ kind: z.literal('end'), ...key }),
])

/** Lines after which the file is written anew, with only what still counts. */
const COMPACT_AT = 20_000

/**
 * The journal of a ledger as a file: a line for each entry, with its CRC-32 in front. Written at the end, and safe on the disk
 * (fdatasync) before `write` resolves; writes that come while one is under way share the next one. After a write that failed the
 * file is written anew, with the next one: what it has left out may be the end of a lease, and what was that lease's, another's by now.
 * A line that a loss of power has cut off, or that is damaged, is left out when the file is read.
 */
export class LeaseLog implements Journal {
  readonly #path: string
  readonly #snapshot: () => readonly LedgerEntry[]
  #file: FileHandle
  #lines: number
  /** A write failed: nobody knows what the file has of it. */
  #isTorn = false
  #waiting: { readonly text: string; resolve(): void; reject(error: unknown): void }[] = []
  #writing: Promise<void> | undefined

  private constructor(path: string, file: FileHandle, lines: number, snapshot: () => readonly LedgerEntry[]) {
    this.#path = path
    this.#file = file
    this.#lines = lines
    this.#snapshot = snapshot
  }

  /** What the file holds; `damaged` counts lines that could not be read. A file that is not there holds nothing. */
  static async read(
    path: string,
  ): Promise<{ readonly entries: readonly LedgerEntry[]; readonly damaged: number }> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    })
    const lines = text.split('\n').filter((line) => line !== '')
    const entries = lines.flatMap((line) => entryOf(line) ?? [])
    return { entries, damaged: lines.length - entries.length }
  }

  /**
   * Writes a fresh file with what `snapshot` gives, in place of the one there, and goes on at its end. Throws what the file system
   * throws.
   */
  static async open(path: string, snapshot: () => readonly LedgerEntry[]): Promise<LeaseLog> {
    await makeFolder(dirname(path))
    const { file, lines } = await freshFile(path, snapshot())
    return new LeaseLog(path, file, lines, snapshot)
  }

  write(entries: readonly LedgerEntry[]): Promise<void> {
    const text = entries.map(lineOf).join('')
    this.#lines += entries.length
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ text, resolve, reject })
    })
    this.#writing ??= this.#writeAll()
    return done
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const some = this.#waiting
      this.#waiting = []
      try {
        if (this.#isTorn || this.#lines > COMPACT_AT) await this.#compact()
        else {
          // Not `write`: on a disk that is nearly full that writes a part, and is content.
          await this.#file.appendFile(some.map(({ text }) => text).join(''))
          await this.#file.datasync()
        }
        this.#isTorn = false
        for (const { resolve } of some) resolve()
      } catch (error) {
        this.#isTorn = true
        for (const { reject } of some) reject(error)
      }
    }
    this.#writing = undefined
  }

  /** The snapshot holds what waits to be written, too: the ledger is changed first. */
  async #compact(): Promise<void> {
    const { file, lines } = await freshFile(this.#path, this.#snapshot())
    const old = this.#file
    this.#file = file
    this.#lines = lines
    await old.close()
  }
}

/** Renaming replaces the file whole: a loss of power leaves the old one or the new one. */
async function freshFile(path: string, entries: readonly LedgerEntry[]) {
  const file = await open(`${path}.new`, 'w', 0o600)
  try {
    await file.appendFile(entries.map(lineOf).join(''))
    await file.sync()
    await rename(`${path}.new`, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
  return { file, lines: entries.length }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const checksumOf = (json: string): string => crc32(Buffer.from(json)).toString(16).padStart(8, '0')

function lineOf(entry: LedgerEntry): string {
  const json = JSON.stringify(entry)
  return `${checksumOf(json)} ${json}\n`
}

function entryOf(line: string): LedgerEntry | undefined {
  const json = line.slice(9)
  if (line.slice(0, 8) !== checksumOf(json)) return undefined
  try {
    return entrySchema.parse(JSON.parse(json))
  } catch {
    return undefined
  }
}
