import { joined } from '../split/part.ts'
import type { Measurement, Suite, SuiteContext } from '../suite.ts'
import { fixtureFigures, measureFixture } from './fixture.ts'
import { honestyFigures, measureHonesty } from './honesty.ts'
import { instanceFigures, measureInstances } from './instances.ts'
import { liveFigures, measureLive } from './live.ts'
import { measurePrices, priceFigures } from './prices.ts'
import { measureReplay, replayFigures } from './replay.ts'
import { measureScale, scaleFigures } from './scale.ts'

async function measure(context: SuiteContext): Promise<Measurement> {
  return joined([
    measureFixture(context),
    await measureInstances(context),
    await measureHonesty(context),
    measurePrices(context),
    await measureScale(context),
    measureReplay(context),
    await measureLive(context),
  ])
}

/** Who gets the edge: allocations against published figures and proved optima, payments against lies, prices. */
export const auctionSuite: Suite = {
  name: 'auction',
  meaning: 'auctions: allocations against published figures and proved optima, lies that pay, prices',
  figures: [
    ...fixtureFigures,
    ...instanceFigures,
    ...honestyFigures,
    ...priceFigures,
    ...scaleFigures,
    ...replayFigures,
    ...liveFigures,
  ],
  measure,
}
