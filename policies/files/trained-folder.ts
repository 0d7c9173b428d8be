import { fileURLToPath } from 'node:url'

const folderOf = (name: string): string => fileURLToPath(new URL(`../../trained/${name}`, import.meta.url))

/** The folder of a policy that comes with this package, for `loadPolicy`: trained by the default recipe of its environment. */
export const trainedFolder = (name: 'mec' | 'split'): string => folderOf(name)

/**
 * Agents that come with this package: of the default recipe of `dag`, `herding` and `graph`; trained without communication
 * (`silent`), with attention, with four users instead of eight, from costs alone (`ddpg`), and for tasks that are divided (`ratio`).
 */
export type TrainedAgents =
  | 'dag'
  | 'dag-silent'
  | 'dag-attention'
  | 'dag-four'
  | 'dag-ddpg'
  | 'dag-ratio'
  | 'herding'
  | 'herding-silent'
  | 'graph'

/** The folder of agents that come with this package, for `loadAgents`. */
export const trainedAgentsFolder = (name: TrainedAgents): string => folderOf(`agents-${name}`)
