import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { modelError } from '../errors.ts'
import { type Bundle, MAX_MANIFEST_BYTES, parseManifestBytes } from './bundle.ts'
import { loadBundle, sha256Hex } from './load.ts'
import { filesOf, type Manifest, type ModelFile, type ModelRole, parseManifest } from './manifest.ts'
import type { LatentTask, TaskDecoder } from './tasks.ts'

/** A manifest without what {@link writeBundle} finds out by itself. */
export type ManifestDraft = Omit<Manifest, 'format' | 'models' | 'tasks'> & {
  models: { [Role in ModelRole]?: Omit<ModelFile, 'sha256' | 'bytes'> }
  tasks?: TaskDraft[]
}

/** A task without what `writeBundle` finds out by itself. */
export type TaskDraft = Omit<LatentTask, 'decoders'> & {
  decoders: Omit<TaskDecoder, 'sha256' | 'bytes'>[]
}

function complete(draft: ManifestDraft, files: Readonly<Record<string, Uint8Array>>): Manifest {
  const withHash = <Model extends { file: string }>(model: Model, what: string) => {
    const bytes = Object.hasOwn(files, model.file) ? files[model.file] : undefined
    if (bytes) return { ...model, sha256: sha256Hex(bytes), bytes: bytes.length }
    throw modelError('BAD_OPTION', `The draft's ${what} needs '${model.file}', which is not given.`)
  }
  const models: Manifest['models'] = {}
  for (const [role, model] of Object.entries(draft.models))
    models[role as ModelRole] = withHash(model, `${role} model`)
  const tasks = draft.tasks?.map(({ decoders, ...task }) => ({
    ...task,
    decoders: decoders.map((decoder) => withHash(decoder, `decoder ${decoder.id}`)),
  }))
  const named = new Set(filesOf({ models, tasks }).map(({ file }) => file))
  const stranger = Object.keys(files).find((file) => !named.has(file))
  if (stranger !== undefined) {
    throw modelError('BAD_OPTION', `'${stranger}' is given, but no model of the draft is that file.`)
  }
  return parseManifest({ format: 1, ...draft, models, ...(tasks && { tasks }) })
}

/**
 * Indented, but a list of numbers stands on one line: tables would make a manifest of tens of thousands of lines. Only what spans lines
 * is touched, so no text is: within a string a line break is escaped.
 */
const readable = (manifest: Manifest): string =>
  JSON.stringify(manifest, null, 2).replace(/\[\n\s+(-?\d[^[\]{}"]*?)\n\s+\]/g, (_, numbers: string) => {
    return `[${numbers.replace(/\s+/g, ' ')}]`
  })

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'wx')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** What a folder's own manifest calls the bundle's; nothing when there is no manifest of a bundle. */
async function filesOfBundle(dir: string): Promise<Set<string> | undefined> {
  try {
    const manifest = parseManifestBytes(await readFile(join(dir, 'manifest.json')))
    return new Set(['manifest.json', ...filesOf(manifest).map(({ file }) => file)])
  } catch {
    return undefined
  }
}

/**
 * Whether a folder stands where a bundle should go. Throws `BUNDLE_EXISTS` unless it is empty, or a bundle and nothing
 * else: it will be replaced as a whole.
 */
export async function standsInTheWay(dir: string): Promise<boolean> {
  const occupied = (why: string, cause?: unknown) =>
    modelError('BUNDLE_EXISTS', `${dir} cannot become a bundle: ${why}.`, cause)
  try {
    if ((await readdir(dir)).length === 0) return true
    const own = await filesOfBundle(dir)
    if (!own) throw occupied("it holds other files than a bundle's, which would be lost")
    for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
      const file = relative(dir, join(entry.parentPath, entry.name)).replaceAll(sep, '/')
      if (!entry.isDirectory() && !own.has(file)) throw occupied(`'${file}' in it would be lost`)
    }
    return true
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return false
    throw code === 'BUNDLE_EXISTS' ? error : occupied(message, error)
  }
}

/**
 * Writes a bundle: the manifest, completed by length and SHA-256 of each file, and the files, by path below the folder.
 * All is written beside `dir` and then renamed, so that nobody ever sees a part of it; a bundle that stands there is
 * replaced (for an instant there is none). The same input gives the same bytes, and so the same key.
 *
 * Returns the bundle as it loads from the disk. Throws `BAD_MANIFEST`, `BUNDLE_EXISTS`, `BAD_OPTION` when files and
 * draft do not match.
 */
export async function writeBundle(
  dir: string,
  draft: ManifestDraft,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<Bundle> {
  const manifest = complete(draft, files)
  const json = new TextEncoder().encode(`${readable(manifest)}\n`)
  if (json.length > MAX_MANIFEST_BYTES) {
    const most = `nobody reads more than ${MAX_MANIFEST_BYTES}: fewer modes, or fewer tables in them`
    throw modelError('BAD_MANIFEST', `manifest.json would have ${json.length} bytes, and ${most}.`)
  }
  const target = resolve(dir)
  await standsInTheWay(target)
  // A name with a dot in front: whoever lists a folder of bundles passes over it.
  const beside = join(dirname(target), `.${basename(target)}.${randomUUID()}`)
  try {
    for (const [file, bytes] of Object.entries(files)) await writeDurably(join(beside, file), bytes)
    await writeDurably(join(beside, 'manifest.json'), json)
    if (await standsInTheWay(target)) await replace(target, beside)
    else await rename(beside, target)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  return loadBundle(target)
}

async function replace(target: string, beside: string): Promise<void> {
  const old = `${beside}.old`
  await rename(target, old)
  try {
    await rename(beside, target)
  } catch (error) {
    await rename(old, target)
    throw error
  }
  await rm(old, { recursive: true, force: true })
}
