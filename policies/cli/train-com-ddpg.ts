import { formatCount, type Output } from '@isthmus/models/cli'
import { type Checkpoint, formatDuration } from '@isthmus/models/train'
import {
  type AgentsNetwork,
  actorDims,
  actorParameters,
  type ComDdpgProgress,
  checkAgents,
  shapeOf,
  sightOf,
  trainComDdpg,
} from '../com-ddpg/index.ts'
import { saveAgents } from '../files/index.ts'
import type { Learner } from './learner.ts'
import { checkResumed, thisMachine, trainInStages } from './staged-training.ts'
import {
  comDdpgHelp,
  comDdpgOptions,
  readComDdpgOptions,
  type TrainComDdpgOptions,
} from './train-com-ddpg-options.ts'

export const comDdpgLearner: Learner = {
  name: 'com-ddpg',
  summary: 'agents that decide at once and tell each other what they are about to do',
  help: comDdpgHelp,
  options: comDdpgOptions,
  async run(args, output) {
    const options = await readComDdpgOptions(args)
    const { recipe, out, threads } = options
    const training = { learner: 'com-ddpg', out, recipe, stages: recipe.stages.length }
    const { trained, elapsedS } = await trainInStages(training, output, ({ before, signal, stageEnded }) =>
      trainComDdpg({
        recipe,
        threads,
        signal,
        ...(before && { resume: { stage: before.step, agents: agentsOf(options, before) } }),
        onProgress: (progress) => show(progress, output),
        onStage: (stagesDone, { weights }) => stageEnded(stagesDone, weights),
      }),
    )
    await saveAgents(out, {
      name: `com-ddpg-${recipe.problem.env}`,
      network: trained,
      recipe,
      minutes: elapsedS / 60,
      machine: thisMachine(),
    })
    const { shape } = trained
    output.print(
      `\n${out}: agents.f32 and manifest.json, ${formatCount(actorParameters(shape))} parameters (${shape.hidden} hidden), trained in ${formatDuration(elapsedS)}, seed ${recipe.seed}.\n\nHow good are they?\n  isthmus-policies evaluate ${out}`,
    )
    return 0
  },
}

function agentsOf({ recipe, out }: TrainComDdpgOptions, { state }: Checkpoint): AgentsNetwork {
  const shape = shapeOf(recipe, sightOf(recipe.problem).row)
  checkResumed(out, () => checkAgents({ shape, weights: new Map(Object.entries(state)) }))
  return { shape, weights: new Map(Object.keys(actorDims(shape)).map((name) => [name, state[name]!])) }
}

function show({ stage, round, rounds, loss, judged }: ComDdpgProgress, output: Output): void {
  const lossNote = `loss ${loss.toPrecision(4)}`
  if (judged) {
    const all = Object.entries({ agents: judged.agents, ...judged.rules })
    const figures = all.map(([who, figure]) => `${who} ${figure.toPrecision(4)}`).join(', ')
    output.print(`${stage}, round ${round} of ${rounds}: ${lossNote}, ${judged.figure}: ${figures}`)
  }
  output.progress?.(stage, round, rounds, lossNote)
}
