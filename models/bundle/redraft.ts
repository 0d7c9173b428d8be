import { modelError } from '../errors.ts'
import type { Bundle } from './bundle.ts'
import { filesOf, type ModelRole } from './manifest.ts'
import { decodersOf } from './tasks.ts'
import type { ManifestDraft, TaskDraft } from './write.ts'

interface Redraft {
  readonly draft: ManifestDraft
  readonly files: Record<string, Uint8Array>
}

/** A draft and files of which `writeBundle` makes the same bundle; every file of it has to be loaded. */
export function redraft(bundle: Bundle): Redraft {
  const { format: _, models, ...rest } = bundle.manifest
  const drafts: ManifestDraft['models'] = {}
  const files: Record<string, Uint8Array> = {}
  for (const [role, { sha256: _sha256, bytes: _bytes, ...draft }] of Object.entries(models)) {
    drafts[role as ModelRole] = draft
    files[draft.file] = bundle.modelBytes(role as ModelRole)
  }
  for (const { id, file } of decodersOf(bundle.manifest)) files[file] = bundle.decoderBytes(id)
  return { draft: { ...rest, models: drafts }, files }
}

/**
 * The same with these tasks in place of those that it has; `added` are the files of new decoders, and those that nothing names any more are gone.
 * Throws BAD_OPTION for a file that is another model's.
 */
export function redraftWithTasks(
  bundle: Bundle,
  tasks: TaskDraft[],
  added: Readonly<Record<string, Uint8Array>>,
): Redraft {
  const { draft, files } = redraft(bundle)
  const { tasks: _, ...rest } = draft
  const model = Object.values(rest.models).find(({ file }) => Object.hasOwn(added, file))
  if (model) throw modelError('BAD_OPTION', `'${model.file}' is another model of ${bundle.id}.`)
  const named = new Set(filesOf({ ...rest, tasks }).map(({ file }) => file))
  const all = Object.entries({ ...files, ...added }).filter(([file]) => named.has(file))
  return { draft: tasks.length > 0 ? { ...rest, tasks } : rest, files: Object.fromEntries(all) }
}
