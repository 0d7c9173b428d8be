import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Market } from '@isthmus/edge-server/auction'
import {
  type AssignmentInstance,
  parseGapInstance,
  parseMohafMarket,
} from '@isthmus/edge-server/auction/published'

/** Folder of public data that is not part of the repository; undefined: not here. */
export const sharedData = process.env.ISTHMUS_SHARED_DATA

export const noData = 'ISTHMUS_SHARED_DATA names no folder with the published instances'

export const mohafMarket = (folder: string): Market =>
  parseMohafMarket(readFileSync(join(folder, 'google-jobs/mohaf-fixture.json'), 'utf8'))

export interface ProvedInstance extends AssignmentInstance {
  readonly name: string
  readonly optimum: number
}

/** Proved optima of gap1 to gap6 of the OR-Library, five instances each. */
const OPTIMA: Readonly<Record<string, readonly number[]>> = {
  c0515: [336, 327, 339, 341, 326],
  c0520: [434, 436, 420, 419, 428],
  c0525: [580, 564, 573, 570, 564],
  c0530: [656, 644, 673, 647, 664],
  c0824: [563, 558, 564, 568, 559],
  c0832: [761, 759, 758, 752, 747],
}

export const provedInstances = (folder: string, perSet = 5): ProvedInstance[] =>
  Object.entries(OPTIMA).flatMap(([set, optima]) =>
    optima.slice(0, perSet).map((optimum, at) => {
      const name = `${set}_${at + 1}`
      return { name, optimum, ...parseGapInstance(readFileSync(join(folder, 'gap', name), 'utf8')) }
    }),
  )
