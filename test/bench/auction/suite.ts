import { joined } from '../split/part.ts'
import type { Measurement, Suite, SuiteContext } from '../suite.ts'
import { fixtureFigures, measureFixture } from './fixture.ts'
import { honestyFigures, measureHonesty } from './honesty.ts'
import { instanceFigures, measureInstances } from './instances.ts'
import { measurePrices, priceFigures } from './prices.ts'

async function measure(context: SuiteContext): Promise<Measurement> {
  return joined([
    measureFixture(context),
    await measureInstances(context),
    await measureHonesty(context),
    measurePrices(context),
  ])
}

/** Who gets the edge: allocations against published figures and proved optima, payments against lies, prices. */
export const auctionSuite: Suite = {
  name: 'auction',
  meaning: 'auctions: allocations against published figures and proved optima, lies that pay, prices',
  figures: [...fixtureFigures, ...instanceFigures, ...honestyFigures, ...priceFigures],
  measure,
}
