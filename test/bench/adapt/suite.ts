import { joined } from '../split/part.ts'
import type { Measurement, Suite, SuiteContext } from '../suite.ts'
import { errorFigures, measureErrors } from './errors.ts'
import { fleetUpdateFigures, measureFleetUpdate } from './fleet-update.ts'
import { latencyFigures, measureLatency } from './latency.ts'
import { liveFigures, measureLive } from './live.ts'
import { longStreamFigures, measureLongStreams } from './long-streams.ts'
import { openNetworks } from './networks.ts'
import { measurePatches, patchFigures } from './patches.ts'
import { measurePoison, poisonFigures } from './poison.ts'
import { measureSteps, stepFigures } from './steps.ts'

async function measure(context: SuiteContext): Promise<Measurement> {
  const networks = await openNetworks(context.bundles)
  return joined([
    await measureErrors(networks, context),
    await measurePatches(networks, context),
    await measureFleetUpdate(context),
    await measureLongStreams(context),
    await measurePoison(context),
    await measureLive(context),
    await measureSteps(networks, context),
    await measureLatency(context),
  ])
}

/** What it brings to adapt a deployed network, and what it costs: all methods on the same damaged images. */
export const adaptSuite: Suite = {
  name: 'adapt',
  meaning: 'networks that adapt to damaged images: errors, uploads, patches, attacks, speed',
  figures: [
    ...errorFigures,
    ...longStreamFigures,
    ...patchFigures,
    ...fleetUpdateFigures,
    ...liveFigures,
    ...poisonFigures,
    ...latencyFigures,
    ...stepFigures,
  ],
  measure,
}
