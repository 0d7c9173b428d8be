import { fileURLToPath } from 'node:url'

/** The folder of a policy that comes with this package, for `loadPolicy`: trained by the default recipe of its environment. */
export const trainedFolder = (name: 'mec' | 'split'): string => folderOf(name)

/** Agents that come with this package: for graphs of several users, for Tang and Wong's queue, for a single graph, and what they are compared with. */
export type TrainedAgents =
  | 'dag'
  | 'dag-silent'
  | 'dag-four'
  | 'dag-attention'
  | 'herding'
  | 'herding-silent'
  | 'graph'

/** The folder of agents that come with this package, for `loadAgents`. */
export const trainedAgentsFolder = (name: TrainedAgents): string => folderOf(`agents-${name}`)

const folderOf = (name: string): string => fileURLToPath(new URL(`../../trained/${name}`, import.meta.url))
