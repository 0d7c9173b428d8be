import { measureParts, type SuitePart } from '../part.ts'
import type { Suite, SuiteContext } from '../suite.ts'
import { decisionFigures, measureDecisions } from './decisions.ts'
import { exactFigures, measureExact } from './exact.ts'
import { benchGraphs } from './graphs.ts'
import { herdingFigures, measureHerding } from './herding.ts'
import { measurePipeline, pipelineFigures } from './pipeline.ts'
import { measurePlanners, plannerFigures } from './planners.ts'
import { measureRatio, ratioFigures } from './ratio.ts'
import { measureTalking, talkingFigures } from './talking.ts'

interface World {
  readonly context: SuiteContext
  /** The graphs with their proved optima, which take minutes: worked out once. */
  readonly exact: () => ReturnType<typeof measureExact>
}

const parts: Readonly<Record<string, SuitePart<World>>> = {
  exact: { figures: exactFigures, measure: ({ exact }) => exact().part },
  planners: {
    figures: plannerFigures,
    measure: ({ exact, context }) => measurePlanners(exact().solved, context),
  },
  herding: { figures: herdingFigures, measure: ({ context }) => measureHerding(context) },
  talking: { figures: talkingFigures, measure: ({ context }) => measureTalking(context) },
  ratio: { figures: ratioFigures, measure: ({ context }) => measureRatio(context) },
  decisions: { figures: decisionFigures, measure: ({ context }) => measureDecisions(context) },
  pipeline: { figures: pipelineFigures, measure: () => measurePipeline() },
}

function worldOf(context: SuiteContext): World {
  const perKind = context.quick
    ? { 'published shapes': 2, layered: 1 }
    : { 'published shapes': 50, layered: 12 }
  let solved: ReturnType<typeof measureExact> | undefined
  return {
    context,
    exact: () => {
      solved ??= measureExact(benchGraphs(perKind), context)
      return solved
    },
  }
}

/** What schedulers of task graphs are worth: every plan is scored by the one cost model, against proved optima. */
export const dagSuite: Suite = {
  name: 'dag',
  meaning:
    'graphs of dependent tasks: planners against proved optima, agents that talk against rules, pipelines',
  parts: Object.keys(parts),
  figures: Object.values(parts).flatMap(({ figures }) => figures),
  measure: (context) => measureParts(parts, worldOf(context), context.parts),
}
