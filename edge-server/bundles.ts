import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Bundle, loadBundle } from '@isthmus/models/bundle'
import { MAX_MESSAGE_BYTES } from '@isthmus/proto'
import { edgeError } from './errors.ts'

const MANIFEST = 'manifest.json'
/** What a reply holds beside its result. */
const REPLY_HEADER_BYTES = 256

/** A folder that looks like a bundle but is not served, and why. */
export interface RefusedBundle {
  readonly folder: string
  readonly reason: string
}

/**
 * Loads every bundle of a folder (each subfolder with a manifest is one), or the folder itself if it is one. Every
 * file is checked against its hash. What cannot be served is told of; the others are served all the same.
 * Throws NO_BUNDLES when the folder is missing or nothing in it can be served.
 */
export async function readBundles(
  folder: string,
): Promise<{ readonly bundles: readonly Bundle[]; readonly refused: readonly RefusedBundle[] }> {
  const bundles: Bundle[] = []
  const refused: RefusedBundle[] = []
  for (const candidate of bundleFolders(folder)) {
    try {
      const bundle = await loadServed(candidate)
      const twin = bundles.find(({ key }) => key === bundle.key)
      if (twin) refused.push({ folder: candidate, reason: `It has the same key as ${twin.id}` })
      else bundles.push(bundle)
    } catch (error) {
      refused.push({ folder: candidate, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  if (bundles.length === 0) {
    const why = refused[0] ? `${refused[0].folder}: ${refused[0].reason}` : `no ${MANIFEST} in it`
    throw edgeError('NO_BUNDLES', `The folder ${folder} has no bundle that can be served (${why})`)
  }
  return { bundles, refused }
}

function bundleFolders(folder: string): readonly string[] {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw edgeError('NO_BUNDLES', `There is no folder ${folder}`)
  }
  if (existsSync(join(folder, MANIFEST))) return [folder]
  return (
    readdirSync(folder)
      // A name with a dot in front is a bundle that is being written.
      .filter((name) => !name.startsWith('.'))
      .sort()
      .map((name) => join(folder, name))
      .filter((candidate) => existsSync(join(candidate, MANIFEST)))
  )
}

async function loadServed(folder: string): Promise<Bundle> {
  const bundle = await loadBundle(folder, { only: ['tail', 'full'] })
  const { models, output } = bundle.manifest
  if (!models.tail && !models.full) throw new Error('It has neither a tail nor a full model')
  const resultBytes = 4 * output.dims.reduce((count, dim) => count * dim, 1)
  if (resultBytes > MAX_MESSAGE_BYTES - REPLY_HEADER_BYTES) {
    throw new Error(`Its result of ${resultBytes} bytes does not fit into a message`)
  }
  return bundle
}
