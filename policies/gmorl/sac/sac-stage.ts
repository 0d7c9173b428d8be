import { cosine } from '@isthmus/models/train'
import { RandomStream } from '../../env/index.ts'
import type { PolicyNetwork } from '../collect/collector-jobs.ts'
import type { Collectors } from '../collect/collectors.ts'
import { initialWeights, type SetNetworkShape } from '../network/set-network.ts'
import { ReplayBuffer } from '../play/replay-buffer.ts'
import { episodeRounds } from '../play/rounds.ts'
import type { Problem } from '../problems/index.ts'
import type { SacStage } from '../recipe/recipe.ts'
import type { StageContext } from '../stage.ts'
import { SacLearner } from './sac-learner.ts'

/** Runs one stage of Discrete-SAC from `start` on; returns the policy at its end. */
export async function runSac(
  stage: SacStage,
  problem: Problem,
  collectors: Collectors,
  start: PolicyNetwork,
  context: StageContext,
): Promise<PolicyNetwork> {
  const { encoding, places } = problem
  const { wandering, spread } = stage
  const critic: SetNetworkShape = { ...start.shape, outputs: encoding.objectives }
  const random = new RandomStream(context.seed, 4)
  const critics = [initialWeights(critic, random, 0), initialWeights(critic, random, 0)] as const
  const learner = await SacLearner.open(
    { actor: start, critic, critics },
    {
      ...stage.sac,
      actorRate: 0,
      batch: stage.batch,
      places,
      targetRate: stage.targetRate,
      threads: context.threads,
    },
  )
  const replay = new ReplayBuffer(encoding, places, {
    most: stage.memory,
    relabelled: stage.relabelled,
    discount: stage.discount,
    spread,
  })
  const rate = cosine(stage.rate, stage.rounds * stage.steps, 0.02)
  const rounds = episodeRounds(stage, collectors, context.seed, {
    temperature: stage.sac.temperature,
    wandering,
    spread,
  })
  try {
    rounds.begin(start)
    for (let round = 0; round < stage.rounds; round++) {
      for (const episodes of await rounds.next(learner.policy())) replay.add(episodes)
      if (round === stage.criticRounds) await learner.setActorRate(stage.sac.actorRate)
      let loss = 0
      for (let k = 0; k < stage.steps; k++) {
        const { criticLoss } = await learner.update(replay.draw(random, stage.batch), rate(learner.updates))
        loss += criticLoss / stage.steps
        context.checkAborted()
      }
      await context.endOfRound(round, loss, learner.policy())
    }
    return learner.policy()
  } finally {
    await learner.dispose()
  }
}
