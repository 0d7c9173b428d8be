import { joined, leftOut, type Part } from '../split/part.ts'
import type { FigureSpec, Measurement, Suite, SuiteContext } from '../suite.ts'
import { decisionFigures, measureDecisions } from './decisions.ts'
import { exactFigures, measureExact } from './exact.ts'
import { benchGraphs } from './graphs.ts'
import { herdingFigures, measureHerding } from './herding.ts'
import { measurePipeline, pipelineFigures } from './pipeline.ts'
import { measurePlanners, plannerFigures } from './planners.ts'
import { measureRatio, ratioFigures } from './ratio.ts'
import { measureTalking, talkingFigures } from './talking.ts'

/** In the order in which they run. */
const parts: Readonly<
  Record<string, { figures: readonly FigureSpec[]; measure: (context: SuiteContext) => Promise<Part> }>
> = {
  planners: { figures: [...exactFigures, ...plannerFigures], measure: measureWholeGraphs },
  herding: { figures: herdingFigures, measure: measureHerding },
  talking: { figures: talkingFigures, measure: measureTalking },
  ratio: { figures: ratioFigures, measure: measureRatio },
  decisions: { figures: decisionFigures, measure: measureDecisions },
  pipeline: { figures: pipelineFigures, measure: measurePipeline },
}

/** Planners are measured against what exact search finds. */
async function measureWholeGraphs(context: SuiteContext): Promise<Part> {
  const perKind = context.quick
    ? { 'published shapes': 2, layered: 1 }
    : { 'published shapes': 50, layered: 12 }
  const { solved, part } = measureExact(benchGraphs(perKind), context)
  return joined([part, await measurePlanners(solved, context)])
}

async function measure(context: SuiteContext): Promise<Measurement> {
  const measured: Part[] = []
  for (const [name, part] of Object.entries(parts)) {
    const isWanted = context.parts === undefined || context.parts.includes(name)
    const figures = part.figures.map((figure) => figure.name)
    measured.push(isWanted ? await part.measure(context) : leftOut(figures, 'left out of this run (--parts)'))
  }
  return joined(measured)
}

/** What schedulers of task graphs are worth: every plan is scored by the one cost model, against proved optima. */
export const dagSuite: Suite = {
  name: 'dag',
  meaning:
    'graphs of dependent tasks: planners against proved optima, agents that talk against rules, pipelines',
  parts: Object.keys(parts),
  figures: Object.values(parts).flatMap(({ figures }) => figures),
  measure,
}
