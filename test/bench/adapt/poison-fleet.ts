import {
  FairQueue,
  FamilyLearner,
  ImageAnswers,
  type JudgeSettings,
  type Upload,
} from '@isthmus/edge-server/adaptation'
import type { NormParameters } from '@isthmus/models/adapt'
import type { LabelledImages, Random } from '@isthmus/models/data'
import { seededRandom } from '@isthmus/models/data'
import type { Model } from '@isthmus/models/onnx'
import { TokenBucket } from '@isthmus/policies'

/** What the fleet runs, and what teaches it. */
export interface PoisonNetworks {
  readonly student: Model
  readonly foundation: Model
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** Makes the uploads of a hostile device. */
export type Attack = (random: Random) => Uint8Array

/** What stands between a fleet and the learner. */
export interface Defence {
  readonly judge: JudgeSettings
  /** Times its fair share that a device may have of a training batch. */
  readonly fairness: number
  /** Uploads a second that a device may bring; honest ones see 1.6 frames a second. */
  readonly perSecond: number
}

export const noDefence: Defence = {
  judge: { unsureShare: Number.POSITIVE_INFINITY, steady: false },
  fairness: Number.POSITIVE_INFINITY,
  perSecond: 1e6,
}

export interface PoisonRun {
  readonly networks: PoisonNetworks
  /** What honest devices see, one image after another. */
  readonly stream: LabelledImages
  /** What the adapted student is tried on. */
  readonly trial: LabelledImages
  readonly attack?: Attack
  readonly devices: number
  readonly hostile: number
  /** Uploads of a hostile device for each frame of an honest one. */
  readonly floodFactor: number
  readonly seed: number
  readonly threads: number
  readonly defence: Defence
}

export interface PoisonResult {
  readonly accuracy: number
  readonly steps: number
  readonly rollBacks: number
  readonly honest: { readonly uploaded: number; readonly kept: number }
  readonly poison: { readonly uploaded: number; readonly kept: number }
}

const ROUND = 32
const [LOWER_SHARE, UPPER_SHARE] = [0.02, 0.4]
/** Rounds between two versions. */
const PUBLISH_EVERY = 8

/**
 * A fleet in which some devices upload poison. Honest devices upload what CEMA's rule picks, with the student as it is at the time;
 * hostile ones as much as they like. Between them and the learner stands the server's fair queue.
 */
export async function runPoisonedFleet(run: PoisonRun): Promise<PoisonResult> {
  const { networks, stream, devices, hostile, threads, defence } = run
  const learner = await FamilyLearner.open({
    ...networks,
    threads,
    replaySteps: false,
    settings: { seed: run.seed },
    ...defence,
  })
  const student = await ImageAnswers.open(learner.network, { ...networks, threads })
  const queue = new FairQueue({
    limit: 2048,
    perDevice: Number.isFinite(defence.fairness) ? 256 : 2048,
    activeForMs: 600_000,
  })
  const random = seededRandom(run.seed, 77)
  const size = stream.pixels.length / stream.count
  const counts = { honest: { uploaded: 0, kept: 0 }, poison: { uploaded: 0, kept: 0 } }
  const hostileNames = new Set(Array.from({ length: hostile }, (_, at) => `hostile-${at}`))
  let parameters: NormParameters = learner.network.source
  const rates = new Map([...hostileNames].map((name) => [name, new TokenBucket(defence.perSecond, 20, 0)]))
  let [steps, rollBacks, nowMs] = [0, 0, 0]
  for (let from = 0; from < stream.count; from += ROUND) {
    nowMs += 1000
    const images = Array.from({ length: Math.min(ROUND, stream.count - from) }, (_, at) =>
      stream.pixels.subarray((from + at) * size, (from + at + 1) * size),
    )
    const { entropy } = await student.answer(images, parameters)
    images.forEach((pixels, at) => {
      const device = (from + at) % devices
      if (device < hostile && run.attack) return
      const share = entropy[at]! / Math.log(learner.network.classes)
      if (!(share > LOWER_SHARE && share < UPPER_SHARE)) return
      counts.honest.uploaded++
      queue.add({ device: `honest-${device}`, pixels }, nowMs)
    })
    if (run.attack) {
      const frames = (images.length * hostile) / devices
      for (let at = 0; at < frames * run.floodFactor; at++) {
        const device = `hostile-${at % hostile}`
        counts.poison.uploaded++
        if (rates.get(device)!.take(nowMs)) queue.add({ device, pixels: run.attack(random) }, nowMs)
      }
    }
    for (let uploads = queue.take(ROUND, nowMs); uploads; uploads = queue.take(ROUND, nowMs)) {
      const report = await learner.learn(uploads, nowMs)
      steps += report.steps
      count(uploads, report.judgements, hostileNames, counts)
    }
    if ((from / ROUND) % PUBLISH_EVERY < PUBLISH_EVERY - 1) continue
    const candidate = await learner.candidate()
    if (candidate.rolledBack) rollBacks++
    parameters = candidate.parameters
  }
  parameters = (await learner.candidate()).parameters
  const tried = await student.answer(
    Array.from({ length: run.trial.count }, (_, at) => run.trial.pixels.subarray(at * size, (at + 1) * size)),
    parameters,
  )
  let right = 0
  for (let at = 0; at < run.trial.count; at++) if (tried.labels[at] === run.trial.labels[at]) right++
  await student.dispose()
  await learner.dispose()
  return { accuracy: (100 * right) / run.trial.count, steps, rollBacks, ...counts }
}

function count(
  uploads: readonly Upload[],
  judgements: readonly string[],
  hostile: ReadonlySet<string>,
  counts: Pick<PoisonResult, 'honest' | 'poison'>,
): void {
  uploads.forEach(({ device }, at) => {
    const side = (hostile.has(device) ? counts.poison : counts.honest) as { kept: number }
    if (judgements[at] === 'kept') side.kept++
  })
}
