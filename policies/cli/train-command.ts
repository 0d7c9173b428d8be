import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { type Command, formatCount, type Output } from '@isthmus/models/cli'
import { type Checkpoint, formatDuration, loadCheckpoint, saveCheckpoint } from '@isthmus/models/train'
import { IsthmusError } from '@isthmus/proto'
import { policyError } from '../errors.ts'
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
import { readTrainOptions, type TrainOptions, trainHelp } from './train-options.ts'

/** Episodes for what a policy has seen, how freely it acts in them, and their seed beside the recipe's. */
const SEEN = { episodes: 200, temperature: 0.1, seedOffset: 500_000 }

export const trainCommand: Command = {
  name: 'train',
  summary: 'train a policy that follows any preference',
  help: trainHelp,
  async run(args, output) {
    const options = await readTrainOptions(args)
    // A folder that cannot be written is better found before the training than after.
    await mkdir(options.out, { recursive: true })
    const { policy, elapsedS } = await trained(options, output)
    await exported(options, policy, elapsedS)
    const { shape, weights } = policy
    const parameters = [...weights.values()].reduce((sum, { length }) => sum + length, 0)
    output.print(
      `\n${options.out}: policy.onnx and manifest.json, ${formatCount(parameters)} parameters (${shape.hidden} hidden), trained in ${formatDuration(elapsedS)}, seed ${options.recipe.seed}.\n\nHow good is it?\n  isthmus-policies evaluate ${options.out}`,
    )
    return 0
  },
}

/** Trains from the last stage that ended on. */
async function trained(
  options: TrainOptions,
  output: Output,
): Promise<{ policy: PolicyNetwork; elapsedS: number }> {
  const { recipe, out, collectors } = options
  const stages = recipe.stages.length
  const file = join(out, 'checkpoint')
  const identity = `gmorl ${createHash('sha256').update(JSON.stringify(options.form)).digest('hex')}`
  const before = await checkpointOf(file, identity)
  if (before) output.print(`Going on from ${file}: stage ${before.step} of ${stages} has ended.`)
  const startedMs = performance.now()
  const elapsedS = () => (before?.elapsedS ?? 0) + (performance.now() - startedMs) / 1000
  let ended = before?.step ?? 0
  const stop = new AbortController()
  const onSignal = () => stop.abort()
  process.once('SIGINT', onSignal)
  try {
    const policy = await trainGmorl({
      recipe,
      collectors,
      signal: stop.signal,
      ...(before && { resume: { stage: before.step, policy: policyOf(options, before) } }),
      onProgress: (progress) => show(progress, output),
      async onStage(stagesDone, { weights }) {
        const state = Object.fromEntries(weights)
        await saveCheckpoint(file, { step: stagesDone, identity, state, elapsedS: elapsedS() })
        ended = stagesDone
      },
    })
    return { policy, elapsedS: elapsedS() }
  } catch (error) {
    if (!stop.signal.aborted) throw error
    const next =
      ended > 0
        ? `The same command goes on after stage ${ended} of ${stages}.`
        : 'No stage had ended: the same command begins anew.'
    throw policyError('TRAINING_STOPPED', `Stopped. ${next}`)
  } finally {
    process.off('SIGINT', onSignal)
  }
}

async function checkpointOf(file: string, identity: string): Promise<Checkpoint | undefined> {
  try {
    return await loadCheckpoint(file, identity)
  } catch (error) {
    if (!(error instanceof IsthmusError)) throw error
    const hint = 'It is of another recipe, seed or problem, or damaged: choose another --out, or delete it.'
    throw new IsthmusError(error.code, `${error.message} ${hint}`, { cause: error })
  }
}

function policyOf({ problem, recipe, out }: TrainOptions, { state }: Checkpoint): PolicyNetwork {
  const { rowLength, contextLength } = problem.encoding
  // One for a policy, one an objective for Envelope Q-learning.
  const outputs = state['output.bias']?.length ?? 1
  const shape = { rowLength, contextLength, hidden: recipe.hidden, outputs }
  try {
    checkNetwork(shape, new Map(Object.entries(state)))
  } catch (error) {
    throw policyError(
      'POLICY_VERSION',
      `${join(out, 'checkpoint')}: ${(error as Error).message}; another Isthmus wrote it: choose another --out, or delete it.`,
    )
  }
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
  { out, problem, recipe, form, collectors: threads }: TrainOptions,
  network: PolicyNetwork,
  elapsedS: number,
): Promise<void> {
  const collectors = new Collectors(recipe.problem, threads)
  try {
    const seen = await collectSeen(collectors, network, { ...SEEN, seed: recipe.seed + SEEN.seedOffset })
    const [judging] = problem.judging.values()
    const cores = cpus()
    await savePolicy(out, {
      name: `gmorl-${problem.name}`,
      network,
      encoding: problem.encoding,
      objectives: judging!.rewardSpace.names,
      seen,
      training: {
        recipe: form,
        minutes: elapsedS / 60,
        machine: `${cores[0]?.model ?? process.arch}, ${cores.length} cores, Node ${process.versions.node}`,
      },
    })
  } finally {
    await collectors.dispose()
  }
}
