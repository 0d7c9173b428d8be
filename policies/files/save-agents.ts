import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AgentsManifest,
  type AgentsNetwork,
  type ComDdpgRecipe,
  parseAgentsManifest,
  sightOf,
} from '../com-ddpg/index.ts'
import { packWeights } from './agent-weights.ts'
import { put } from './folder-files.ts'

/** Trained agents and what is to be known of them. */
export interface FinishedAgents {
  readonly name: string
  readonly network: AgentsNetwork
  /** What they were trained by; its problem says what they read. */
  readonly recipe: ComDdpgRecipe
  readonly minutes: number
  readonly machine: string
}

/**
 * Writes `agents.f32` and `manifest.json` into a folder, which is made where it is missing. Returns the manifest. Throws
 * IsthmusError `BAD_POLICY` for what no manifest can say, and the system's error where nothing can be written.
 */
export async function saveAgents(
  folder: string,
  { name, network, recipe, minutes, machine }: FinishedAgents,
): Promise<AgentsManifest> {
  const packed = packWeights(network)
  const { rows, observation } = sightOf(recipe.problem)
  const manifest = parseAgentsManifest({
    format: 'isthmus-agents/1',
    name,
    rows,
    observation,
    shape: network.shape,
    weights: { file: 'agents.f32', sha256: createHash('sha256').update(packed).digest('hex') },
    training: { recipe, minutes, machine },
  })
  await mkdir(folder, { recursive: true })
  await put(join(folder, 'agents.f32'), packed)
  await put(join(folder, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
  return manifest
}
