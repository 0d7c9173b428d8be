import { joined } from '../split/part.ts'
import type { Measurement, Suite, SuiteContext } from '../suite.ts'
import { decisionFigures, measureDecisions } from './decisions.ts'
import { exactFigures, measureExact } from './exact.ts'
import { benchGraphs } from './graphs.ts'
import { herdingFigures, measureHerding } from './herding.ts'
import { measurePipeline, pipelineFigures } from './pipeline.ts'
import { measurePlanners, plannerFigures } from './planners.ts'
import { measureTalking, talkingFigures } from './talking.ts'

async function measure(context: SuiteContext): Promise<Measurement> {
  const perKind = context.quick
    ? { 'published shapes': 2, layered: 1 }
    : { 'published shapes': 50, layered: 12 }
  const { solved, part: exact } = measureExact(benchGraphs(perKind), context)
  return joined([
    exact,
    await measurePlanners(solved, context),
    await measureDecisions(context),
    await measureHerding(context),
    await measureTalking(context),
    await measurePipeline(),
  ])
}

/** What schedulers of task graphs are worth: every plan is scored by the one cost model, against proved optima. */
export const dagSuite: Suite = {
  name: 'dag',
  meaning:
    'graphs of dependent tasks: planners against proved optima, agents that talk against rules, pipelines',
  figures: [
    ...exactFigures,
    ...plannerFigures,
    ...herdingFigures,
    ...talkingFigures,
    ...decisionFigures,
    ...pipelineFigures,
  ],
  measure,
}
