import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type AgentsManifest, type AgentsNetwork, parseAgentsManifest } from '../com-ddpg/index.ts'
import { policyError } from '../errors.ts'
import { unpackWeights, weightsLength } from './agent-weights.ts'
import { bytesOf, lengthOfFile, manifestOf } from './folder-files.ts'

/** Agents as they lie in their folder. */
export interface AgentsFolder {
  readonly manifest: AgentsManifest
  readonly network: AgentsNetwork
}

/**
 * Reads what `isthmus-policies train com-ddpg` wrote. The file of weights is read when it has the length that the manifest asks for.
 *
 * @throws IsthmusError `POLICY_UNREADABLE` for a folder or file that is missing, `BAD_POLICY` for a manifest or weights that are
 *   not of their form, `POLICY_CHANGED` for weights of another hash, `POLICY_VERSION` for agents that read what this Isthmus
 *   does not write
 */
export async function loadAgents(folder: string): Promise<AgentsFolder> {
  const manifest = parseAgentsManifest(await manifestOf(folder))
  const { shape, weights } = manifest
  const file = join(folder, weights.file)
  const wanted = weightsLength(shape)
  const checkLength = (length: number) => {
    if (length !== wanted)
      throw policyError('BAD_POLICY', `${file} has ${length} bytes; agents of this shape have ${wanted}`)
  }
  checkLength(await lengthOfFile(folder, weights.file))
  const bytes = await bytesOf(folder, weights.file)
  checkLength(bytes.length)
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== weights.sha256) {
    throw policyError('POLICY_CHANGED', `${file} has SHA-256 ${found}, its manifest says ${weights.sha256}`)
  }
  return { manifest, network: unpackWeights(shape, bytes) }
}

/** Whether a folder holds agents, of whatever version; false for all else, a folder that is not there included. */
export async function holdsAgents(folder: string): Promise<boolean> {
  const manifest = await manifestOf(folder).catch(() => undefined)
  const { format } = (manifest ?? {}) as { format?: unknown }
  return typeof format === 'string' && format.startsWith('isthmus-agents/')
}
