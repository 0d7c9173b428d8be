import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** A folder that looks like a bundle or a pipeline but is not served, and why. */
export interface RefusedFolder {
  readonly folder: string
  readonly reason: string
}

/** The subfolders that hold the manifest, or the folder itself if it does; undefined when there is no such folder. */
export function foldersWith(manifest: string, folder: string): readonly string[] | undefined {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined
  if (existsSync(join(folder, manifest))) return [folder]
  return (
    readdirSync(folder)
      // A name with a dot in front is one that is being written.
      .filter((name) => !name.startsWith('.'))
      .sort()
      .map((name) => join(folder, name))
      .filter((candidate) => existsSync(join(candidate, manifest)))
  )
}

export interface Loaded<Served> {
  readonly served: readonly Served[]
  readonly refused: readonly RefusedFolder[]
}

/** Loads each folder; what cannot be served, or has the key of another, is told of, and the others are served all the same. */
export async function loadEach<Served extends { readonly key: number; readonly id: string }>(
  folders: readonly string[],
  load: (folder: string) => Promise<Served>,
): Promise<Loaded<Served>> {
  const served: Served[] = []
  const refused: RefusedFolder[] = []
  for (const folder of folders) {
    try {
      const one = await load(folder)
      const twin = served.find(({ key }) => key === one.key)
      if (twin) refused.push({ folder, reason: `It has the same key as ${twin.id}` })
      else served.push(one)
    } catch (error) {
      refused.push({ folder, reason: error instanceof Error ? error.message : String(error) })
    }
  }
  return { served, refused }
}
