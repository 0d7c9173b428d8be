import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RandomStream } from '@isthmus/policies/env'
import {
  collectEpisodes,
  initialWeights,
  LearnedPolicy,
  type PolicyNetwork,
  problemOf,
  ReplayBuffer,
  SacLearner,
  type SetNetworkWeights,
  type TransitionBatch,
  weightDims,
} from '@isthmus/policies/gmorl'
import { TorchProcess } from '../peers/torch-process.ts'
import { median, medianInterval } from '../statistics.ts'
import type { Detail, SuiteContext } from '../suite.ts'

export const BATCH = 256
const BATCHES = 16
const WARM_UP = 20
const RATE = 3e-4
const OPTIONS = { temperature: 0.02, targets: 'lowest', actorRate: 0.1 } as const
const TARGET_RATE = 0.01

export interface UpdateSpeed {
  readonly updateMs: number
  /** The peer's time ÷ ours. */
  readonly ratio: number | undefined
  readonly missing: string | undefined
  readonly detail: Detail
}

/**
 * One update of Discrete-SAC at the size of a shipped policy: batch of 256 from played episodes, twin critics, actor, targets. PyTorch does the
 * same updates from the same weights in turns with ours.
 */
export async function measureUpdates(
  { shape }: PolicyNetwork,
  { quick, threads, say }: SuiteContext,
): Promise<UpdateSpeed> {
  const problem = problemOf({ env: 'mec' })
  const { encoding, places } = problem
  const random = new RandomStream(1)
  const weights = initialWeights(shape, random, 1)
  const critic = { ...shape, outputs: encoding.objectives }
  const critics = [initialWeights(critic, random, 0.1), initialWeights(critic, random, 0.1)] as const
  const replay = new ReplayBuffer(encoding, places, { most: 1e6, relabelled: 0.5, discount: 0.97 })
  const policy = new LearnedPolicy(encoding, shape, weights)
  replay.add(
    collectEpisodes(problem, policy, {
      seed: 1,
      firstEpisode: 0,
      episodes: 60,
      temperature: OPTIONS.temperature,
    }),
  )
  const batches = Array.from({ length: BATCHES }, () => replay.draw(random, BATCH))
  const peer = await startPeer(
    { actor: weights, critic1: critics[0], critic2: critics[1] },
    shape,
    critic,
    batches,
    threads,
  )
  const { rounds, steps } = quick ? { rounds: 2, steps: 20 } : { rounds: 9, steps: 150 }
  const run = async (count: number, warmUp: number) => {
    const learner = await SacLearner.open(
      { actor: { shape, weights }, critic, critics },
      // PyTorch's waiting threads spin as well.
      { ...OPTIONS, batch: BATCH, places, targetRate: TARGET_RATE, threads, spinning: true },
    )
    const times: number[] = []
    const losses: number[] = []
    for (let k = 0; k < warmUp + count; k++) {
      const startMs = performance.now()
      const { loss } = await learner.update(batches[k % BATCHES]!, RATE)
      if (k >= warmUp) {
        times.push(performance.now() - startMs)
        losses.push(loss)
      }
    }
    await learner.dispose()
    return { times, losses }
  }
  const ours: number[] = []
  const theirs: number[] = []
  for (let round = 0; round < rounds; round++) {
    ours.push(median((await run(steps, WARM_UP)).times))
    if (typeof peer !== 'string') theirs.push(median((await peer.ask({ steps, warmUp: WARM_UP })).stepsMs))
    say(
      `SAC update, round ${round + 1} of ${rounds}: ${ours.at(-1)!.toFixed(2)} ms, PyTorch ${theirs.at(-1)?.toFixed(2) ?? 'absent'}`,
    )
  }
  const ratios = theirs.map((time, round) => time / ours[round]!)
  let lossDifference: number | undefined
  if (typeof peer !== 'string') {
    const first = (await run(10, 0)).losses
    const other = (await peer.ask({ steps: 10, warmUp: 0 })).losses
    lossDifference = Math.max(...first.map((loss, at) => Math.abs(loss - other[at]!) / Math.abs(other[at]!)))
    await peer.stop()
  }
  return {
    updateMs: median(ours),
    ratio: ratios.length > 0 ? median(ratios) : undefined,
    missing: typeof peer === 'string' ? peer : undefined,
    detail: {
      batch: BATCH,
      places,
      hidden: shape.hidden,
      threads,
      rounds,
      updatesPerRound: steps,
      updateMsInterval95: medianInterval(ours),
      torchMs: theirs.length > 0 ? median(theirs) : undefined,
      ratioInterval95: ratios.length > 0 ? medianInterval(ratios) : undefined,
      lossDifference,
      torch: typeof peer === 'string' ? peer : { ...peer.info },
    },
  }
}

const startPeer = (
  groups: Readonly<Record<string, SetNetworkWeights>>,
  actor: PolicyNetwork['shape'],
  critic: PolicyNetwork['shape'],
  batches: readonly TransitionBatch[],
  threads: number,
) =>
  TorchProcess.start('torch_sac.py', threads, async (folder, write) => {
    const bytesOf = (data: Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    const weights: Record<string, Record<string, unknown>> = {}
    for (const [group, tensors] of Object.entries(groups)) {
      const dims = weightDims(group === 'actor' ? actor : critic)
      weights[group] = {}
      for (const [name, values] of tensors) weights[group][name] = await write(dims[name]!, bytesOf(values))
    }
    const written = []
    for (const batch of batches) {
      const entries: Record<string, unknown> = {}
      for (const [name, { dims, data }] of Object.entries(batch))
        entries[name] = await write(dims, bytesOf(data))
      written.push(entries)
    }
    const spec = { rate: RATE, ...OPTIONS, targetRate: TARGET_RATE, weights, batches: written }
    await writeFile(join(folder, 'sac.json'), JSON.stringify(spec))
  })
