import { cosine, StepRunner } from '@isthmus/models/train'
import { RandomStream } from '../env/index.ts'
import { Actor } from './actor.ts'
import { type AgentsNetwork, actorOf } from './agents-network.ts'
import { compileImitation, imitationOptimizer } from './imitation.ts'
import type { ImitationStage } from './recipe.ts'
import { SequenceReplay } from './sequence-replay.ts'
import { type ComDdpgContext, playEpisodes } from './stage.ts'

/** Runs one stage of imitation from `start` on; returns the agents at its end. */
export async function runImitation(
  stage: ImitationStage,
  start: AgentsNetwork,
  context: ComDdpgContext,
): Promise<AgentsNetwork> {
  const { sequence, burnIn, messageLoss, seed } = context
  const { shape } = start
  const { spread, ratioLoss } = stage
  const step = compileImitation(shape, start.weights, sequence, { burnIn, spread, ratioLoss })
  const runner = await StepRunner.open(step, { optimizer: imitationOptimizer, threads: context.threads })
  const replay = new SequenceReplay(stage.memory, shape.row)
  const batch = replay.batch(sequence)
  const { rows, acting, heard, allowed, taught, divides, taughtRatios } = batch
  const feeds = { rows, acting, heard, allowed, taught, ...(shape.ratio && { divides, taughtRatios }) }
  const random = new RandomStream(seed, 3)
  const rate = cosine(stage.rate, stage.rounds * stage.steps, 0.02)
  let agents = start
  try {
    for (let round = 0; round < stage.rounds; round++) {
      const actor = new Actor(shape, agents.weights)
      // The first are the teacher's own.
      const acts = round === 0 ? 'teacher' : 'agents'
      const which = { first: round * stage.episodes, episodes: stage.episodes }
      playEpisodes(context, replay, actor, which, random, { taught: true, acts })
      let loss = 0
      for (let k = 0; k < stage.steps; k++) {
        replay.draw(batch, { ...sequence, messageLoss }, random)
        const result = await runner.run(feeds, rate(runner.stepsDone))
        loss += (result.loss!.data[0] as number) / stage.steps
        context.checkAborted()
      }
      agents = { shape, weights: actorOf(step.parameters(runner.state)) }
      await context.endOfRound(round, loss, agents)
    }
    return agents
  } finally {
    await runner.dispose()
  }
}
