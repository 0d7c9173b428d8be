import { joined } from '../split/part.ts'
import type { Measurement, Suite, SuiteContext } from '../suite.ts'
import { exactFigures, measureExact } from './exact.ts'
import { benchGraphs } from './graphs.ts'
import { measurePlanners, plannerFigures } from './planners.ts'

async function measure(context: SuiteContext): Promise<Measurement> {
  const { solved, part: exact } = measureExact(benchGraphs(context.quick ? 1 : 25), context)
  return joined([exact, measurePlanners(solved, context)])
}

/** What schedulers of task graphs are worth: every plan is scored by the one cost model, against proved optima. */
export const dagSuite: Suite = {
  name: 'dag',
  meaning: 'schedulers of task graphs against the proved optimum of the same graphs',
  figures: [...exactFigures, ...plannerFigures],
  measure,
}
