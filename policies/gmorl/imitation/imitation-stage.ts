import { cosine, StepRunner } from '@isthmus/models/train'
import { RandomStream } from '../../env/index.ts'
import type { PolicyNetwork } from '../collect/collector-jobs.ts'
import type { Collectors } from '../collect/collectors.ts'
import { weightsOf } from '../network/set-network.ts'
import { jobsOf } from '../play/rounds.ts'
import type { Problem } from '../problems/index.ts'
import type { ImitationStage } from '../recipe/recipe.ts'
import type { StageContext } from '../stage.ts'
import { compileImitation, imitationOptimizer } from './imitation.ts'
import { LabelBatches } from './label-batches.ts'
import type { Labels } from './labels.ts'

/** Runs one stage of imitation from `start` on; returns the policy at its end. */
export async function runImitation(
  stage: ImitationStage,
  problem: Problem,
  collectors: Collectors,
  start: PolicyNetwork,
  context: StageContext,
): Promise<PolicyNetwork> {
  const { shape } = start
  const { encoding, places } = problem
  const step = compileImitation(shape, start.weights, stage.batch, places, stage.wild)
  const runner = await StepRunner.open(step, { optimizer: imitationOptimizer, threads: context.threads })
  const batches = new LabelBatches(encoding, places, stage.memory)
  const random = new RandomStream(context.seed, 3)
  const rate = cosine(stage.rate, stage.rounds * stage.steps, 0.02)
  const base = stage.base === 'self' ? start : undefined
  const policy = (): PolicyNetwork => ({ shape, weights: weightsOf(step.parameters(runner.state), 'actor') })
  const collect = (round: number, student: PolicyNetwork): Promise<Labels>[] => {
    const jobs = jobsOf(round, stage.episodes).map((job) =>
      collectors.ask({
        kind: 'labels',
        ...(base && { base }),
        student,
        options: {
          seed: context.seed,
          ...job,
          steps: stage.ahead,
          futures: stage.futures,
          ...(stage.tried !== undefined && { tried: stage.tried }),
          ...(stage.closerThan !== undefined && { closerThan: stage.closerThan }),
          ...(stage.spread !== undefined && { spread: stage.spread }),
        },
      }),
    )
    // A round that is given up is nobody's to wait for.
    for (const job of jobs) job.catch(() => undefined)
    return jobs
  }
  try {
    let next = collect(0, start)
    for (let round = 0; round < stage.rounds; round++) {
      for (const labels of await Promise.all(next)) batches.add(labels)
      if (round + 1 < stage.rounds) next = collect(round + 1, policy())
      let loss = 0
      for (let k = 0; k < stage.steps; k++) {
        const result = await runner.run(batches.draw(random, stage.batch), rate(runner.stepsDone))
        loss += (result.loss!.data[0] as number) / stage.steps
        context.checkAborted()
      }
      await context.endOfRound(round, loss, policy())
    }
    return policy()
  } finally {
    await runner.dispose()
  }
}
