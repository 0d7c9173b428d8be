import { cosine, StepRunner } from '@isthmus/models/train'
import { RandomStream } from '../../env/index.ts'
import { SlowCopies } from '../../slow-copy.ts'
import type { PolicyNetwork } from '../collect/collector-jobs.ts'
import type { Collectors } from '../collect/collectors.ts'
import { initialWeights, type SetNetworkShape, weightDims, weightsOf } from '../network/set-network.ts'
import { ReplayBuffer } from '../play/replay-buffer.ts'
import { episodeRounds } from '../play/rounds.ts'
import type { Problem } from '../problems/index.ts'
import type { EnvelopeStage } from '../recipe/recipe.ts'
import type { StageContext } from '../stage.ts'
import { compileEnvelope, ENVELOPE, envelopeOptimizer } from './envelope-q.ts'

/** Graphs that a stage goes through: λ is fixed in each. */
const HOMOTOPY_STEPS = 4

/** Runs one stage of Envelope Q-learning; of `start` only the size counts. Returns the policy at its end. */
export async function runEnvelope(
  stage: EnvelopeStage,
  problem: Problem,
  collectors: Collectors,
  start: PolicyNetwork,
  context: StageContext,
): Promise<PolicyNetwork> {
  const { encoding, places } = problem
  const { wandering, spread } = stage
  const shape: SetNetworkShape = { ...start.shape, outputs: encoding.objectives }
  const random = new RandomStream(context.seed, 5)
  const weights = initialWeights(shape, random, 0)
  const slow = new SlowCopies({ [ENVELOPE]: { dims: weightDims(shape), weights } }, stage.targetRate)
  const replay = new ReplayBuffer(encoding, places, {
    most: stage.memory,
    relabelled: stage.relabelled,
    discount: stage.discount,
    spread,
  })
  const rate = cosine(stage.rate, stage.rounds * stage.steps, 0.02)
  const step = (homotopy: number) =>
    compileEnvelope(shape, weights, stage.batch, places, stage.preferences, homotopy)
  let runner = await StepRunner.open(step(0), { optimizer: envelopeOptimizer, threads: context.threads })
  const parameters = () => runner.step.parameters(runner.state)
  const policy = (): PolicyNetwork => ({ shape, weights: weightsOf(parameters(), ENVELOPE) })
  const rounds = episodeRounds(stage, collectors, context.seed, {
    temperature: stage.temperature,
    wandering,
    spread,
  })
  let part = 0
  try {
    rounds.begin(policy())
    for (let round = 0; round < stage.rounds; round++) {
      for (const episodes of await rounds.next(policy())) replay.add(episodes)
      const now = Math.floor((HOMOTOPY_STEPS * round) / stage.rounds)
      if (now > part) {
        part = now
        const { state, stepsDone } = runner
        await runner.dispose()
        runner = await StepRunner.open(step((stage.homotopy * part) / (HOMOTOPY_STEPS - 1)), {
          optimizer: envelopeOptimizer,
          threads: context.threads,
          start: state,
          stepsDone,
        })
      }
      let loss = 0
      for (let k = 0; k < stage.steps; k++) {
        const feeds = { ...replay.draw(random, stage.batch, stage.preferences), ...slow.feeds }
        const result = await runner.run(feeds, rate(runner.stepsDone))
        loss += (result.loss!.data[0] as number) / stage.steps
        slow.follow(parameters())
        context.checkAborted()
      }
      await context.endOfRound(round, loss, policy())
    }
    return policy()
  } finally {
    await runner.dispose()
  }
}
