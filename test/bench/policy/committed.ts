import { readFile } from 'node:fs/promises'
import {
  networkOf,
  type PolicyManifest,
  type PolicyNetwork,
  parsePolicyManifest,
} from '@isthmus/policies/gmorl'

const folder = new URL('../../../../policies/trained/', import.meta.url)

/** A policy of policies/trained. */
export async function committedPolicy(
  name: 'mec' | 'split',
): Promise<{ policy: PolicyNetwork; manifest: PolicyManifest }> {
  const read = (file: string) => readFile(new URL(`${name}/${file}`, folder))
  const manifest = parsePolicyManifest(
    JSON.parse(await readFile(new URL(`${name}/manifest.json`, folder), 'utf8')),
  )
  return { policy: networkOf(await read(manifest.model.file), manifest.shape), manifest }
}
