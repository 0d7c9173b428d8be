import { type Bundle, loadBundle, type ModelRole, replyFault } from '@isthmus/models/bundle'
import { edgeError } from './errors.ts'
import { foldersWith, type Loaded, loadEach } from './model-folders.ts'

const MANIFEST = 'manifest.json'

/**
 * Loads every bundle of a folder (each subfolder with a manifest is one), or the folder itself if it is one. Every
 * file is checked against its hash. What cannot be served is told of; the others are served all the same.
 * Networks that devices run are read only when they are asked for.
 * Throws NO_BUNDLES when the folder is missing or nothing in it can be served.
 */
export async function readBundles(
  folder: string,
  devices: readonly ModelRole[] = [],
): Promise<Loaded<Bundle>> {
  const folders = foldersWith(MANIFEST, folder)
  if (!folders) throw edgeError('NO_BUNDLES', `There is no folder ${folder}`)
  const loaded = await loadEach(folders, (one) => loadServed(one, devices))
  if (loaded.served.length === 0) {
    const first = loaded.refused[0]
    const why = first ? `${first.folder}: ${first.reason}` : `no ${MANIFEST} in it`
    throw edgeError('NO_BUNDLES', `The folder ${folder} has no bundle that can be served (${why})`)
  }
  return loaded
}

async function loadServed(folder: string, devices: readonly ModelRole[]): Promise<Bundle> {
  const bundle = await loadBundle(folder, { only: ['tail', 'full', 'decoders', ...devices] })
  const { models } = bundle.manifest
  if (!models.tail && !models.full) throw new Error('It has neither a tail nor a full model')
  const fault = replyFault(bundle.manifest)
  if (fault !== undefined) throw new Error(fault)
  return bundle
}
