import type { Part } from '../part.ts'
import { measureGates } from './gates.ts'
import type { World } from './world.ts'

/** Filter and exit of the bundle at the thresholds that a device uses, on all test images. */
export async function measureFilterAndExit({ bundle, images, threads, quick, say }: World): Promise<Part> {
  const { filter, exit } = bundle.manifest
  if (!filter || !exit) {
    const why = 'the bundle has no filter or no exit'
    return { missing: { filterRecall: why, filterSkippedPct: why, exitAccuracy: why, exitSharePct: why } }
  }
  say(`passing ${images.count} test images through filter and exit`)
  const { figures } = await measureGates(bundle, images, threads)
  const { filterRecall, filterSkippedPct, exitAccuracy, exitSharePct, ...calibration } = figures
  return {
    figures: { filterRecall, filterSkippedPct, exitAccuracy, exitSharePct },
    // A thousand images are too few to tell these shares apart from their targets.
    ...(quick && { verdicts: { filterRecall: null, filterSkippedPct: null, exitAccuracy: null } }),
    detail: { gates: { ...calibration, target: exit.target, recall: filter.recall } },
  }
}
