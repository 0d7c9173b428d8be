import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AgentsManifest,
  type AgentsNetwork,
  agentsBytes,
  parseAgentsManifest,
} from '../com-ddpg/index.ts'
import { putFile, putManifest, sha256Of } from './folder-files.ts'

/** Trained agents and what is to be known of them. */
export interface FinishedAgents {
  readonly name: string
  readonly network: AgentsNetwork
  /** Version of the rows that they read. */
  readonly rows: string
  readonly training: AgentsManifest['training']
}

const WEIGHTS = 'agents.f32'

/**
 * Writes `agents.f32` and `manifest.json` into a folder, which is made where it is missing. Returns the manifest. Throws
 * IsthmusError `BAD_POLICY` for what no manifest can say, and the system's error where nothing can be written.
 */
export async function saveAgents(
  folder: string,
  { name, network, rows, training }: FinishedAgents,
): Promise<AgentsManifest> {
  const bytes = agentsBytes(network)
  const manifest = parseAgentsManifest({
    format: 'isthmus-agents/1',
    name,
    rows,
    shape: network.shape,
    weights: { file: WEIGHTS, sha256: sha256Of(bytes) },
    training,
  })
  await mkdir(folder, { recursive: true })
  await putFile(join(folder, WEIGHTS), bytes)
  await putManifest(folder, manifest)
  return manifest
}
