import type { ThreadTask } from '@isthmus/models/train'
import { type Cell, type CellPlayed, playCell } from './cell.ts'
import { openNetworks, studentFisher } from './networks.ts'

export interface CellsInput {
  readonly bundles: string
  readonly cells: readonly Cell[]
}

/** Plays some cells, one after another, in a thread of its own. */
const cellsTask: ThreadTask<CellsInput, CellPlayed[]> = async ({ bundles, cells }) => {
  const networks = await openNetworks(bundles)
  const fisher = await studentFisher(networks, 1)
  const played: CellPlayed[] = []
  for (const cell of cells) played.push(await playCell(networks, fisher, cell))
  return played
}

export default cellsTask
