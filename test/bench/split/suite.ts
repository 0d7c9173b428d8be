import { joined } from '../part.ts'
import type { Measurement, Suite, SuiteContext } from '../suite.ts'
import { measureCifarCodecs } from './cifar-codecs.ts'
import { measureCuts } from './cuts.ts'
import { measureEncoder } from './encoder-cost.ts'
import { measureEntropyCoder } from './entropy-coder.ts'
import { splitFigures } from './figures.ts'
import { measureFilterAndExit } from './gate-figures.ts'
import { measureInception } from './inception.ts'
import { measureModeSwitch } from './mode-switch.ts'
import { measureNetworks } from './networks.ts'
import { cheapestNearTeacher, measureOperatingPoints } from './operating-points.ts'
import { measurePrefixes } from './prefixes.ts'
import { measureReplay } from './recorded-replay.ts'
import { measureMemory } from './resident-memory.ts'
import { measureUntrainedCuts } from './untrained-cuts.ts'
import { openWorld } from './world.ts'

async function measure(context: SuiteContext): Promise<Measurement> {
  const cuts = await measureCuts(context)
  const world = await openWorld(context)
  const encoder = await measureEncoder(world)
  const memory = await measureMemory(world)
  const modeSwitch = await measureModeSwitch(world)
  const { teacher, ...networks } = await measureNetworks(world)
  const { points, plain, ...operating } = await measureOperatingPoints(world, teacher)
  const entropyCoder = measureEntropyCoder(world, points)
  const codecs = await measureCifarCodecs(world, teacher, points, cheapestNearTeacher(points))
  const prefixes = await measurePrefixes(world, points)
  const gates = await measureFilterAndExit(world)
  const untrained = await measureUntrainedCuts(world, plain)
  const replay = await measureReplay(context)
  const inception = await measureInception(context)
  const rest = [
    encoder,
    memory,
    modeSwitch,
    entropyCoder,
    codecs,
    prefixes,
    gates,
    untrained,
    replay,
    inception,
  ]
  return joined([networks, operating, cuts, ...rest])
}

/** The networks that ship, measured again, beside image codecs and other ways to split. */
export const splitSuite: Suite = {
  name: 'split',
  meaning:
    'the networks of bundle cifar10 as they run, bytes against accuracy beside image codecs; cuts that change no bit',
  figures: splitFigures,
  measure,
}
