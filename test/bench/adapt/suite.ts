import { measureParts, type SuitePart } from '../part.ts'
import type { Suite, SuiteContext } from '../suite.ts'
import { errorFigures, measureErrors } from './errors.ts'
import { fleetUpdateFigures, measureFleetUpdate } from './fleet-update.ts'
import { latencyFigures, measureLatency } from './latency.ts'
import { liveFigures, measureLive } from './live.ts'
import { longStreamFigures, measureLongStreams } from './long-streams.ts'
import { type AdaptNetworks, openNetworks } from './networks.ts'
import { measurePatches, patchFigures } from './patches.ts'
import { measurePoison, poisonFigures } from './poison.ts'
import { measureSteps, stepFigures } from './steps.ts'
import { measureTails, tailFigures } from './tails.ts'

/** In the order in which they run: what measures times comes last. */
const parts: Readonly<Record<string, SuitePart<World>>> = {
  errors: { figures: errorFigures, measure: ({ networks, context }) => measureErrors(networks, context) },
  patches: { figures: patchFigures, measure: ({ networks, context }) => measurePatches(networks, context) },
  fleet: { figures: fleetUpdateFigures, measure: ({ context }) => measureFleetUpdate(context) },
  long: { figures: longStreamFigures, measure: ({ context }) => measureLongStreams(context) },
  poison: { figures: poisonFigures, measure: ({ context }) => measurePoison(context) },
  tails: { figures: tailFigures, measure: ({ context }) => measureTails(context) },
  live: { figures: liveFigures, measure: ({ context }) => measureLive(context) },
  steps: { figures: stepFigures, measure: ({ networks, context }) => measureSteps(networks, context) },
  latency: { figures: latencyFigures, measure: ({ context }) => measureLatency(context) },
}

interface World {
  readonly networks: AdaptNetworks
  readonly context: SuiteContext
}

/** What it brings to adapt a deployed network, and what it costs: all methods on the same damaged images. */
export const adaptSuite: Suite = {
  name: 'adapt',
  meaning: 'networks that adapt to damaged images: errors, uploads, patches, attacks, speed',
  parts: Object.keys(parts),
  figures: Object.values(parts).flatMap(({ figures }) => figures),
  measure: async (context) => {
    const networks = await openNetworks(context.bundles)
    return measureParts(parts, { networks, context }, context.parts)
  },
}
