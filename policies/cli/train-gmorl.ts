import { formatCount, type Output } from '@isthmus/models/cli'
import { type Checkpoint, formatDuration } from '@isthmus/models/train'
import { savePolicy } from '../files/index.ts'
import {
  Collectors,
  checkNetwork,
  collectSeen,
  type GmorlProgress,
  type PolicyNetwork,
  trainGmorl,
  weightDims,
} from '../gmorl/index.ts'
import type { Learner } from './learner.ts'
import { checkResumed, thisMachine, trainInStages } from './staged-training.ts'
import { gmorlHelp, gmorlOptions, readGmorlOptions, type TrainGmorlOptions } from './train-gmorl-options.ts'

/** Episodes for what a policy has seen, how freely it acts in them, and their seed beside the recipe's. */
const SEEN = { episodes: 800, temperature: 0.1, seedOffset: 500_000 }

export const gmorlLearner: Learner = {
  name: 'gmorl',
  summary: 'one small network that follows any preference between delay, energy (and errors)',
  help: gmorlHelp,
  options: gmorlOptions,
  async run(args, output) {
    const options = await readGmorlOptions(args)
    const { recipe, out, collectors, form } = options
    const training = { learner: 'gmorl', out, recipe: form, stages: recipe.stages.length }
    const { trained, elapsedS } = await trainInStages(training, output, ({ before, signal, stageEnded }) =>
      trainGmorl({
        recipe,
        collectors,
        signal,
        ...(before && { resume: { stage: before.step, policy: policyOf(options, before) } }),
        onProgress: (progress) => show(progress, output),
        onStage: (stagesDone, { weights }) => stageEnded(stagesDone, weights),
      }),
    )
    await exported(options, trained, elapsedS)
    const { shape, weights } = trained
    const parameters = [...weights.values()].reduce((sum, { length }) => sum + length, 0)
    output.print(
      `\n${out}: policy.onnx and manifest.json, ${formatCount(parameters)} parameters (${shape.hidden} hidden), trained in ${formatDuration(elapsedS)}, seed ${recipe.seed}.\n\nHow good is it?\n  isthmus-policies evaluate ${out}`,
    )
    return 0
  },
}

function policyOf({ problem, recipe, out }: TrainGmorlOptions, { state }: Checkpoint): PolicyNetwork {
  const { rowLength, contextLength } = problem.encoding
  // One for a policy, one an objective for Envelope Q-learning.
  const outputs = state['output.bias']?.length ?? 1
  const shape = { rowLength, contextLength, hidden: recipe.hidden, outputs }
  checkResumed(out, () => checkNetwork(shape, new Map(Object.entries(state))))
  const weights = new Map(Object.keys(weightDims(shape)).map((name) => [name, state[name]!]))
  return { shape, weights }
}

function show({ stage, round, rounds, loss, hypervolume }: GmorlProgress, output: Output): void {
  const lossNote = `loss ${loss.toPrecision(4)}`
  if (hypervolume) {
    const ratios = [...hypervolume].map(([system, ratio]) => `${system} ${ratio.toFixed(4)}`).join(', ')
    output.print(`${stage}, round ${round} of ${rounds}: ${lossNote}, hypervolume over the rule's: ${ratios}`)
  }
  output.progress?.(stage, round, rounds, lossNote)
}

async function exported(
  { out, problem, recipe, form, collectors: threads }: TrainGmorlOptions,
  network: PolicyNetwork,
  elapsedS: number,
): Promise<void> {
  const collectors = new Collectors(recipe.problem, threads)
  try {
    const seen = await collectSeen(collectors, network, { ...SEEN, seed: recipe.seed + SEEN.seedOffset })
    const [judging] = problem.judging.values()
    await savePolicy(out, {
      name: `gmorl-${problem.name}`,
      network,
      encoding: problem.encoding,
      objectives: judging!.rewardSpace.names,
      seen,
      training: { recipe: form, minutes: elapsedS / 60, machine: thisMachine() },
    })
  } finally {
    await collectors.dispose()
  }
}
