import {
  type Bundle,
  type Manifest,
  type ManifestDraft,
  type ModelRole,
  type TaskDraft,
  writeBundle,
} from '../bundle/index.ts'
import { redraft, redraftWithTasks } from '../bundle/redraft.ts'
import { modelError } from '../errors.ts'
import type { Model } from '../onnx/index.ts'
import { writeModel } from '../onnx/index.ts'

/** A model to put into a bundle, in place of the one that has its role. */
export interface Addition {
  readonly role: ModelRole
  readonly model: Model
  readonly draft: NonNullable<ManifestDraft['models'][ModelRole]>
  /** Fields of the manifest that say how it is used, in place of what they were. */
  readonly manifest: Partial<Pick<Manifest, 'filter' | 'exit' | 'modes'>>
  readonly recipe: Readonly<Record<string, string | number>>
}

/** Writes a loaded bundle anew, in its own place, with one model more. Everything else of it stays. */
export async function extendBundle(dir: string, bundle: Bundle, addition: Addition): Promise<void> {
  const { draft, files } = redraft(bundle)
  const replaced = draft.models[addition.role]
  if (replaced) delete files[replaced.file]
  if (files[addition.draft.file]) {
    throw modelError('BAD_OPTION', `'${addition.draft.file}' is another model of ${bundle.id}.`)
  }
  files[addition.draft.file] = writeModel(addition.model)
  draft.models[addition.role] = addition.draft
  await writeBundle(
    dir,
    recordedAnew({ ...draft, ...addition.manifest }, `${addition.role}.`, addition.recipe),
    files,
  )
}

/** The same for a local network: the modes of the route `local` say what it takes and how often it is right. */
export function replaceLocal(
  dir: string,
  bundle: Bundle,
  model: Model,
  draft: Addition['draft'],
  recipe: Addition['recipe'],
): Promise<void> {
  const { accuracy, macs } = draft
  const modes = bundle.manifest.modes.map((mode) =>
    mode.route === 'local' ? { ...mode, accuracy, headMacs: macs } : mode,
  )
  return extendBundle(dir, bundle, { role: 'local', model, draft, manifest: { modes }, recipe })
}

/** Writes a loaded bundle anew, in its own place, with these tasks in place of those that it has. `models`: by decoder's file. */
export async function giveTasks(
  dir: string,
  bundle: Bundle,
  tasks: TaskDraft[],
  models: ReadonlyMap<string, Model>,
  recipe: Readonly<Record<string, string | number>>,
): Promise<void> {
  const added = Object.fromEntries([...models].map(([file, model]) => [file, writeModel(model)]))
  const { draft, files } = redraftWithTasks(bundle, tasks, added)
  await writeBundle(dir, recordedAnew(draft, 'tasks.', recipe), files)
}

/** What an earlier run of the recipe `of` has recorded is gone. */
function recordedAnew(draft: ManifestDraft, of: string, recipe: Addition['recipe']): ManifestDraft {
  const kept = Object.entries(draft.recipe ?? {}).filter(([key]) => !key.startsWith(of))
  return { ...draft, recipe: { ...Object.fromEntries(kept), ...recipe } }
}
