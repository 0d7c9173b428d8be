import type { Bundle } from './bundle.ts'
import type { ModelRole } from './manifest.ts'
import { decodersOf } from './tasks.ts'
import type { ManifestDraft } from './write.ts'

/** A draft and files of which `writeBundle` makes the same bundle; every file of it has to be loaded. */
export function redraft(bundle: Bundle): { draft: ManifestDraft; files: Record<string, Uint8Array> } {
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
