import { median, medianInterval } from '../statistics.ts'
import type { Detail, SuiteContext } from '../suite.ts'
import type { Job } from './jobs.ts'
import { meanLoss, timedSteps } from './timed-steps.ts'
import { type TorchPeer, variants } from './torch-peer.ts'

/** Our time per step of one job, and how it compares with the peer's in the same rounds. */
export interface Duel {
  readonly stepMs: number
  /** The peer's time ÷ ours, of its fastest variant; undefined without a peer. */
  readonly ratio: number | undefined
  /** Variant → its time per step in ms. */
  readonly torchMs: Readonly<Record<string, number>>
  readonly detail: Detail
}

const WARM_UP_STEPS = 20
const AGREEMENT_STEPS = 16

/** Both train the same job in turns, round by round; a round's time is the median of its steps. */
export async function duel(
  job: Job,
  peer: TorchPeer | undefined,
  threads: number,
  context: SuiteContext,
): Promise<Duel> {
  const { rounds, steps } = context.quick ? { rounds: 3, steps: 40 } : { rounds: 9, steps: 150 }
  const ours: number[] = []
  const theirs = new Map(peer ? variants[job.name].map((variant): [string, number[]] => [variant, []]) : [])
  for (let round = 0; round < rounds; round++) {
    ours.push(median(await timedSteps(job, threads, steps, WARM_UP_STEPS)))
    for (const [variant, times] of theirs) {
      times.push(median((await peer!.run(job.name, variant, steps, WARM_UP_STEPS)).stepsMs))
    }
    const shown = [...theirs].map(([variant, times]) => `, PyTorch ${variant} ${times.at(-1)!.toFixed(2)} ms`)
    context.say(`${job.name} round ${round + 1} of ${rounds}: ${ours.at(-1)!.toFixed(2)} ms${shown.join('')}`)
  }
  const torchMs = Object.fromEntries([...theirs].map(([variant, times]) => [variant, median(times)]))
  const fastest = [...theirs].sort((a, b) => median(a[1]) - median(b[1]))[0]
  const ratios = fastest?.[1].map((time, round) => time / ours[round]!)
  return {
    stepMs: median(ours),
    ratio: ratios && median(ratios),
    torchMs,
    detail: {
      shape: job.shape,
      operators: job.step.model.graph.nodes.length,
      threads,
      rounds,
      stepsPerRound: steps,
      stepMsInterval95: medianInterval(ours),
      ratioInterval95: ratios && medianInterval(ratios),
      ratioAgainst: fastest?.[0],
      lossDifference: peer && (await lossDifference(job, peer, threads)),
    },
  }
}

/** Relative difference of the mean loss over the first steps from the same weights: both do compute the same. */
async function lossDifference(job: Job, peer: TorchPeer, threads: number): Promise<number> {
  const ours = await meanLoss(job, threads, AGREEMENT_STEPS)
  const { losses } = await peer.run(job.name, 'plain', AGREEMENT_STEPS, 0)
  const theirs = losses.reduce((sum, loss) => sum + loss, 0) / losses.length
  return Math.abs(ours - theirs) / Math.abs(theirs)
}
