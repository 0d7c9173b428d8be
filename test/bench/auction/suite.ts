import { measureParts, type SuitePart } from '../part.ts'
import type { Suite, SuiteContext } from '../suite.ts'
import { fixtureFigures, measureFixture } from './fixture.ts'
import { honestyFigures, measureHonesty } from './honesty.ts'
import { instanceFigures, measureInstances } from './instances.ts'
import { liveFigures, measureLive } from './live.ts'
import { measurePrices, priceFigures } from './prices.ts'
import { measureReplay, replayFigures } from './replay.ts'
import { measureScale, scaleFigures } from './scale.ts'

const parts: Readonly<Record<string, SuitePart<SuiteContext>>> = {
  fixture: { figures: fixtureFigures, measure: measureFixture },
  instances: { figures: instanceFigures, measure: measureInstances },
  honesty: { figures: honestyFigures, measure: measureHonesty },
  prices: { figures: priceFigures, measure: measurePrices },
  scale: { figures: scaleFigures, measure: measureScale },
  replay: { figures: replayFigures, measure: measureReplay },
  live: { figures: liveFigures, measure: measureLive },
}

/** Who gets the edge: allocations against published figures and proved optima, payments against lies, prices. */
export const auctionSuite: Suite = {
  name: 'auction',
  meaning: 'auctions: allocations against published figures and proved optima, lies that pay, prices',
  parts: Object.keys(parts),
  figures: Object.values(parts).flatMap(({ figures }) => figures),
  measure: (context) => measureParts(parts, context, context.parts),
}
