import type { Tensor } from '@isthmus/models/runtime'
import { cosine, StepRunner } from '@isthmus/models/train'
import { RandomStream } from '../env/index.ts'
import type { PolicyNetwork } from './collector-jobs.ts'
import type { Collectors } from './collectors.ts'
import { CRITICS, compileSac, sacOptimizer, targetOf } from './discrete-sac.ts'
import type { Episodes } from './episodes.ts'
import type { Problem } from './problems/index.ts'
import type { SacStage } from './recipe.ts'
import { ReplayBuffer } from './replay-buffer.ts'
import { initialWeights, type SetNetworkShape, weightDims, weightsOf } from './set-network.ts'
import type { StageContext } from './stage.ts'

/** Episodes of one job. */
const JOB = 20

/** Runs one stage of Discrete-SAC from `start` on; returns the policy at its end. */
export async function runSac(
  stage: SacStage,
  problem: Problem,
  collectors: Collectors,
  start: PolicyNetwork,
  context: StageContext,
): Promise<PolicyNetwork> {
  const { shape } = start
  const { encoding, places } = problem
  const critic: SetNetworkShape = { ...shape, outputs: encoding.objectives }
  const random = new RandomStream(context.seed, 4)
  const critics = CRITICS.map(() => initialWeights(critic, random, 0))
  const compiled = (actorRate: number) =>
    compileSac({ actor: start, critic, critics: [critics[0]!, critics[1]!] }, stage.batch, places, {
      ...stage.sac,
      actorRate,
    })
  const step = compiled(stage.sac.actorRate)
  let runner = await StepRunner.open(compiled(0), { optimizer: sacOptimizer, threads: context.threads })
  const targets = new TargetCritics(critic, critics)
  const replay = new ReplayBuffer(encoding, places, {
    most: stage.memory,
    relabelled: stage.relabelled,
    discount: stage.discount,
  })
  const rate = cosine(stage.rate, stage.rounds * stage.steps, 0.02)
  const parameters = () => step.parameters(runner.state)
  const policy = (): PolicyNetwork => ({ shape, weights: weightsOf(parameters(), 'actor') })
  const collect = (round: number, of: PolicyNetwork): Promise<Episodes>[] =>
    Array.from({ length: Math.ceil(stage.episodes / JOB) }, (_, job) =>
      collectors.ask({
        kind: 'episodes',
        policy: of,
        options: {
          seed: context.seed,
          firstEpisode: round * stage.episodes + job * JOB,
          episodes: Math.min(JOB, stage.episodes - job * JOB),
          temperature: stage.sac.temperature,
        },
      }),
    )
  try {
    let next = collect(0, start)
    for (let round = 0; round < stage.rounds; round++) {
      for (const episodes of await Promise.all(next)) replay.add(episodes)
      if (round + 1 < stage.rounds) next = collect(round + 1, policy())
      if (round === stage.criticRounds) {
        const { state, stepsDone } = runner
        await runner.dispose()
        runner = await StepRunner.open(step, {
          optimizer: sacOptimizer,
          threads: context.threads,
          start: state,
          stepsDone,
        })
      }
      let loss = 0
      for (let k = 0; k < stage.steps; k++) {
        const feeds = { ...replay.draw(random, stage.batch), ...targets.feeds }
        const result = await runner.run(feeds, rate(runner.stepsDone))
        loss += (result.criticLoss!.data[0] as number) / stage.steps
        targets.follow(parameters(), stage.targetRate)
        context.checkAborted()
      }
      await context.endOfRound(round, loss, policy())
    }
    return policy()
  } finally {
    await runner.dispose()
  }
}

/** Copies of the critics that follow them slowly (Polyak averaging). */
class TargetCritics {
  readonly feeds: Record<string, Tensor<'float32'>> = {}

  constructor(shape: SetNetworkShape, critics: readonly ReadonlyMap<string, Float32Array>[]) {
    for (const [at, name] of CRITICS.entries()) {
      for (const [weight, dims] of Object.entries(weightDims(shape))) {
        this.feeds[`${targetOf(name)}.${weight}`] = {
          dtype: 'float32',
          dims,
          data: critics[at]!.get(weight)!.slice(),
        }
      }
    }
  }

  follow(parameters: ReadonlyMap<string, { readonly bytes: Uint8Array }>, share: number): void {
    for (const [full, { data }] of Object.entries(this.feeds)) {
      const { bytes } = parameters.get(full.slice('target.'.length))!
      const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
      for (let at = 0; at < data.length; at++) data[at]! += share * (values[at]! - data[at]!)
    }
  }
}
