import {
  type Bundle,
  decodersOf,
  type Manifest,
  type ManifestDraft,
  type ModelRole,
  writeBundle,
} from '../bundle/index.ts'
import { redraft } from '../bundle/redraft.ts'
import { modelError } from '../errors.ts'
import type { Model } from '../onnx/index.ts'
import { writeModel } from '../onnx/index.ts'

/** A model to put into a bundle, in place of the one that has its role. */
export interface Addition {
  readonly role: ModelRole
  readonly model: Model
  readonly draft: NonNullable<ManifestDraft['models'][ModelRole]>
  /** Fields of the manifest that say how it is used. */
  readonly manifest: Partial<Pick<Manifest, 'filter' | 'exit'>>
  readonly recipe: Readonly<Record<string, string | number>>
}

type TaskDrafts = NonNullable<ManifestDraft['tasks']>

/** Writes a loaded bundle anew, in its own place, with one model more. Everything else of it stays. */
export async function extendBundle(dir: string, bundle: Bundle, addition: Addition): Promise<void> {
  const { draft, files } = draftOf(bundle, `${addition.role}.`)
  const replaced = draft.models[addition.role]
  if (replaced) delete files[replaced.file]
  put(files, addition.draft.file, addition.model, bundle)
  draft.models[addition.role] = addition.draft
  await writeBundle(
    dir,
    { ...draft, ...addition.manifest, recipe: { ...draft.recipe, ...addition.recipe } },
    files,
  )
}

/** Writes a loaded bundle anew, in its own place, with these tasks in place of those that it has. `models`: by decoder's file. */
export async function giveTasks(
  dir: string,
  bundle: Bundle,
  tasks: TaskDrafts,
  models: ReadonlyMap<string, Model>,
  recipe: Readonly<Record<string, string | number>>,
): Promise<void> {
  const { draft, files } = draftOf(bundle, 'tasks.')
  for (const { file } of decodersOf(bundle.manifest)) delete files[file]
  for (const [file, model] of models) put(files, file, model, bundle)
  await writeBundle(dir, { ...draft, tasks, recipe: { ...draft.recipe, ...recipe } }, files)
}

/** As `redraft`; what an earlier run of the recipe `of` has recorded is gone. */
function draftOf(bundle: Bundle, of: string) {
  const { draft, files } = redraft(bundle)
  const kept = Object.entries(draft.recipe ?? {}).filter(([key]) => !key.startsWith(of))
  return { draft: { ...draft, recipe: Object.fromEntries(kept) }, files }
}

function put(files: Record<string, Uint8Array>, file: string, model: Model, { id }: Bundle): void {
  if (files[file]) throw modelError('BAD_OPTION', `'${file}' is another model of ${id}.`)
  files[file] = writeModel(model)
}
