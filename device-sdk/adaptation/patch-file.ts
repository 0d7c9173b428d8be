import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from '@isthmus/proto'
import type { ModelVersion } from '../loaded-model.ts'
import type { PatchStore, StoredPatch } from './patch-store.ts'

const kinds = ['scale', 'shift', 'mean', 'variance'] as const

/**
 * The last good version of one family in `<dir>/patch-<family>`: a line of JSON, then the parameters and the device's own statistics as
 * float32, then a checksum. A file that is damaged, or of another network, counts as none.
 */
export class PatchFile implements PatchStore {
  readonly #dir: string
  readonly #file: string
  readonly #family: string
  readonly #channels: number

  /** `family` is the hash of the network, `channels` those of all its normalisation layers. */
  constructor(dir: string, family: string, channels: number) {
    this.#dir = dir
    this.#file = join(dir, `patch-${family.slice(0, 8)}`)
    this.#family = family
    this.#channels = channels
  }

  async load(): Promise<StoredPatch | undefined> {
    const bytes = await readFile(this.#file).catch(() => undefined)
    if (!bytes || bytes.length < 4) return undefined
    const end = bytes.length - 4
    if (crc32(bytes, end) !== bytes.readUInt32LE(end)) return undefined
    const line = bytes.indexOf(0x0a)
    if (line < 0 || line > 1000) return undefined
    try {
      return this.#read(JSON.parse(bytes.toString('utf8', 0, line)), bytes.subarray(line + 1, end))
    } catch {
      return undefined
    }
  }

  async save({ version, newest, parameters, statistics }: StoredPatch): Promise<void> {
    const own = typeof statistics === 'object' ? statistics : undefined
    const header = {
      family: this.#family,
      version,
      newest,
      ...(statistics ? { statistics: own ? 'own' : 'packed' } : {}),
    }
    const vectors = [
      ...(parameters ? kinds.map((kind) => parameters[kind]) : []),
      ...(own ? [own.mean, own.variance] : []),
    ]
    const body = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...vectors.map(littleEndian)])
    const checksum = Buffer.alloc(4)
    checksum.writeUInt32LE(crc32(body, body.length))
    await mkdir(this.#dir, { recursive: true })
    // On the disk before the name points to it: a power cut leaves the old version or the new one.
    await writeFile(`${this.#file}.new`, Buffer.concat([body, checksum]), { flush: true })
    await rename(`${this.#file}.new`, this.#file)
  }

  #read(header: Record<string, unknown>, values: Uint8Array): StoredPatch | undefined {
    const [version, newest] = [versionOf(header.version), versionOf(header.newest)]
    if (header.family !== this.#family || !version || !newest) return undefined
    const isOwn = header.statistics === 'own'
    const count = values.length / (4 * this.#channels)
    const patched = count - (isOwn ? 2 : 0)
    if (patched !== 0 && patched !== kinds.length) return undefined
    const view = new DataView(values.buffer, values.byteOffset, values.byteLength)
    const vector = (at: number) =>
      Float32Array.from({ length: this.#channels }, (_, channel) =>
        view.getFloat32(4 * (at * this.#channels + channel), true),
      )
    return {
      version,
      newest,
      parameters:
        patched > 0
          ? { scale: vector(0), shift: vector(1), mean: vector(2), variance: vector(3) }
          : undefined,
      statistics: isOwn
        ? { mean: vector(patched), variance: vector(patched + 1) }
        : header.statistics === 'packed'
          ? 'packed'
          : undefined,
    }
  }
}

function littleEndian(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(4 * vector.length)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < vector.length; at++) view.setFloat32(4 * at, vector[at]!, true)
  return bytes
}

function versionOf(value: unknown): ModelVersion | undefined {
  const { epoch, version } = (value ?? {}) as Record<string, unknown>
  const isCount = (number: unknown) => Number.isInteger(number) && (number as number) >= 0
  return isCount(epoch) && isCount(version)
    ? { epoch: epoch as number, version: version as number }
    : undefined
}
