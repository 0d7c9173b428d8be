import { loadPolicy, trainedFolder } from '@isthmus/policies/files'
import type { PolicyManifest, PolicyNetwork } from '@isthmus/policies/gmorl'

/** A policy that comes with @isthmus/policies. */
export async function committedPolicy(
  name: 'mec' | 'split',
): Promise<{ policy: PolicyNetwork; manifest: PolicyManifest }> {
  const { network, manifest } = await loadPolicy(trainedFolder(name))
  return { policy: network, manifest }
}
