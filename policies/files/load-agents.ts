import { type AgentsManifest, type AgentsNetwork, agentsOf, parseAgentsManifest } from '../com-ddpg/index.ts'
import { manifestOf, sealedBytesOf } from './folder-files.ts'

/** Agents as they lie in their folder. */
export interface AgentsFolder {
  readonly manifest: AgentsManifest
  readonly network: AgentsNetwork
}

/**
 * Reads what `isthmus-policies train com-ddpg` wrote.
 *
 * @throws IsthmusError `POLICY_UNREADABLE` for a folder or file that is missing, `BAD_POLICY` for a manifest or weights that are
 *   not of their form, `POLICY_CHANGED` for weights of another hash, `POLICY_VERSION` for rows that this Isthmus has not
 */
export async function loadAgents(folder: string): Promise<AgentsFolder> {
  const manifest = parseAgentsManifest(await manifestOf(folder))
  const bytes = await sealedBytesOf(folder, manifest.weights.file, manifest.weights.sha256)
  return { manifest, network: agentsOf(bytes, manifest.shape) }
}
