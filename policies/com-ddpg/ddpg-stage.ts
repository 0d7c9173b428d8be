import type { Tensor } from '@isthmus/models/runtime'
import { cosine, StepRunner } from '@isthmus/models/train'
import { RandomStream } from '../env/index.ts'
import { SlowCopies } from '../slow-copy.ts'
import { Actor } from './actor.ts'
import { actorDims } from './actor-shape.ts'
import { type AgentsNetwork, actorOf } from './agents-network.ts'
import { comDdpgOptimizer, compileComDdpg } from './com-ddpg.ts'
import { criticDims, initialCritic } from './critic-shape.ts'
import { gumbel } from './gumbel.ts'
import type { DdpgStage } from './recipe.ts'
import { SequenceReplay } from './sequence-replay.ts'
import { type ComDdpgContext, playEpisodes } from './stage.ts'

/** Noise on ratios in the first round of a stage that does not say. */
const RATIO_NOISE = 0.15

/** Runs one stage of deep deterministic policy gradient from `start` on; returns the agents at its end. */
export async function runDdpg(
  stage: DdpgStage,
  start: AgentsNetwork,
  context: ComDdpgContext,
): Promise<AgentsNetwork> {
  const { sequence, burnIn, messageLoss, seed } = context
  const { shape } = start
  const { row, ratio } = shape
  const critic = { row, hidden: stage.critic, ...(ratio && { ratio }) }
  const random = new RandomStream(seed, 5)
  const valuing = initialCritic(critic, random)
  const networks = { actor: start, critic: { shape: critic, weights: valuing } }
  const step = compileComDdpg(networks, sequence, { ...stage.options, burnIn })
  const runner = await StepRunner.open(step, { optimizer: comDdpgOptimizer, threads: context.threads })
  const slow = new SlowCopies(
    {
      actor: { dims: actorDims(shape), weights: start.weights },
      critic: { dims: criticDims(critic), weights: valuing },
    },
    stage.targetRate,
  )
  const replay = new SequenceReplay(stage.memory, shape.row)
  const batch = replay.batch(sequence)
  const { taught: _, taughtRatios: __, divides, ratios, ...rest } = batch
  const feeds = { ...rest, ...(ratio && { divides, ratios }) }
  const noise: Tensor<'float32'> = {
    dtype: 'float32',
    dims: batch.allowed.dims,
    data: new Float32Array(batch.allowed.data.length),
  }
  const rate = cosine(stage.rate, stage.rounds * stage.steps, 0.02)
  let agents = start
  try {
    for (let round = 0; round < stage.rounds; round++) {
      const actor = new Actor(shape, agents.weights)
      const which = { first: round * stage.episodes, episodes: stage.episodes }
      const { exploration, ratioNoise = RATIO_NOISE } = stage
      playEpisodes(context, replay, actor, which, random, {
        taught: false,
        acts: 'agents',
        exploration,
        ratioNoise: ratioNoise * (1 - round / stage.rounds),
      })
      const actorWeight: Tensor<'float32'> = {
        dtype: 'float32',
        dims: [],
        data: Float32Array.of(round < stage.criticRounds ? 0 : 1),
      }
      let loss = 0
      for (let k = 0; k < stage.steps; k++) {
        replay.draw(batch, { ...sequence, messageLoss }, random)
        for (let at = 0; at < noise.data.length; at++) noise.data[at] = gumbel(random)
        const all = { ...feeds, noise, actorWeight, ...slow.feeds }
        const result = await runner.run(all, rate(runner.stepsDone))
        slow.follow(step.parameters(runner.state))
        loss += (result.criticLoss!.data[0] as number) / stage.steps
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
