import {
  type Bundle,
  type Manifest,
  type ManifestDraft,
  type ModelRole,
  writeBundle,
} from '../bundle/index.ts'
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

/** Writes a loaded bundle anew, in its own place, with one model more. Everything else of it stays. */
export async function extendBundle(dir: string, bundle: Bundle, addition: Addition): Promise<void> {
  const { format: _, models, recipe, ...rest } = bundle.manifest
  const drafts: ManifestDraft['models'] = {}
  const files: Record<string, Uint8Array> = {}
  for (const [role, { sha256: _sha256, bytes: _bytes, ...draft }] of Object.entries(models)) {
    drafts[role as ModelRole] = draft
    files[draft.file] = bundle.modelBytes(role as ModelRole)
  }
  const replaced = models[addition.role]
  if (replaced) delete files[replaced.file]
  if (files[addition.draft.file]) {
    throw modelError('BAD_OPTION', `'${addition.draft.file}' is another model of ${bundle.id}.`)
  }
  drafts[addition.role] = addition.draft
  files[addition.draft.file] = writeModel(addition.model)
  // What an earlier run of the same recipe has recorded goes.
  const kept = Object.entries(recipe ?? {}).filter(([key]) => !key.startsWith(`${addition.role}.`))
  await writeBundle(
    dir,
    {
      ...rest,
      ...addition.manifest,
      models: drafts,
      recipe: { ...Object.fromEntries(kept), ...addition.recipe },
    },
    files,
  )
}
