import {
  FairQueue,
  FamilyLearner,
  FleetStatistics,
  ImageAnswers,
  type JudgeSettings,
  type Upload,
} from '@isthmus/edge-server/adaptation'
import { NormForward, type NormParameters } from '@isthmus/models/adapt'
import type { LabelledImages, Random } from '@isthmus/models/data'
import { seededRandom } from '@isthmus/models/data'
import type { Model } from '@isthmus/models/onnx'
import { TokenBucket } from '@isthmus/policies'
import { FleetDevice } from './fleet-device.ts'
import { OwnStatistics } from './own-statistics.ts'

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
const ROUND_MS = 1000
const ACTIVE_FOR_MS = 600_000

/**
 * A fleet in which some devices upload poison. Honest devices take statistics of their own and upload what CEMA's rule picks, with the student as
 * it is at the time; hostile ones upload as much as they like, and tell the statistics of that. Between them and the learner stands the server's
 * fair queue.
 */
export async function runPoisonedFleet(run: PoisonRun): Promise<PoisonResult> {
  const { networks, stream, devices, hostile, threads, defence, attack } = run
  const learner = await FamilyLearner.open({
    ...networks,
    threads,
    replaySteps: false,
    settings: { seed: run.seed },
    ...defence,
  })
  const { network } = learner
  const student = await ImageAnswers.open(network, { ...networks, threads })
  const byBatch = await NormForward.open(network.model, network.layout, 'batch', threads)
  const queue = new FairQueue({
    limit: 2048,
    perDevice: Number.isFinite(defence.fairness) ? 256 : 2048,
    activeForMs: ACTIVE_FOR_MS,
  })
  const told = new FleetStatistics({ capacity: devices, activeForMs: ACTIVE_FOR_MS, packed: network.source })
  const fleet = Array.from({ length: devices }, (_, at) => {
    const name = at < hostile ? `hostile-${at}` : `honest-${at}`
    return new FleetDevice(name, student, new OwnStatistics(network, byBatch), networks)
  })
  const enemies = fleet.slice(0, hostile)
  const hostileNames = new Set(enemies.map(({ name }) => name))
  const rates = new Map(enemies.map(({ name }) => [name, new TokenBucket(defence.perSecond, 20, 0)]))
  const random = seededRandom(run.seed, 77)
  const counts = { honest: { uploaded: 0, kept: 0 }, poison: { uploaded: 0, kept: 0 } }
  let parameters: NormParameters = network.source
  let [steps, rollBacks, nowMs] = [0, 0, 0]
  /** Sends up what an honest device picks of its frame. */
  const see = async (device: FleetDevice, pixels: Uint8Array) => {
    const entropy = await device.see(pixels, parameters)
    const share = entropy / Math.log(network.classes)
    if (!(share > LOWER_SHARE && share < UPPER_SHARE)) return
    counts.honest.uploaded++
    queue.add({ device: device.name, pixels }, nowMs)
  }
  /** Sends up poison; what the device tells is of that, too. */
  const poison = async (device: FleetDevice, pixels: Uint8Array) => {
    await device.see(pixels, parameters)
    counts.poison.uploaded++
    if (rates.get(device.name)!.take(nowMs)) queue.add({ device: device.name, pixels }, nowMs)
  }
  for (let from = 0; from < stream.count; from += ROUND) {
    nowMs += ROUND_MS
    const round = imagesOf(stream, from, Math.min(from + ROUND, stream.count))
    for (const [at, pixels] of round.entries()) {
      const number = (from + at) % devices
      if (number >= hostile || !attack) await see(fleet[number]!, pixels)
    }
    if (attack) {
      const frames = (round.length * hostile) / devices
      for (let at = 0; at < frames * run.floodFactor; at++)
        await poison(enemies[at % hostile]!, attack(random))
    }
    for (const device of fleet) {
      const moments = device.news(nowMs)
      if (moments !== 'none') told.take(device.name, moments, nowMs)
    }
    for (let uploads = queue.take(ROUND, nowMs); uploads; uploads = queue.take(ROUND, nowMs)) {
      const report = await learner.learn(uploads, nowMs, told.centre(nowMs, queue.activeDevices(nowMs)))
      steps += report.steps
      count(uploads, report.judgements, hostileNames, counts)
    }
    if ((from / ROUND) % PUBLISH_EVERY < PUBLISH_EVERY - 1) continue
    const candidate = await learner.candidate()
    if (candidate.rolledBack) rollBacks++
    parameters = candidate.parameters
  }
  parameters = (await learner.candidate()).parameters
  const accuracy = await triedBy(fleet.slice(hostile), run.trial, parameters)
  await byBatch.dispose()
  await student.dispose()
  await learner.dispose()
  return { accuracy, steps, rollBacks, ...counts }
}

/** Percent of the trial's images that are answered rightly, each by the next of the devices, as it has come to be. */
async function triedBy(
  honest: readonly FleetDevice[],
  trial: LabelledImages,
  parameters: NormParameters,
): Promise<number> {
  const images = imagesOf(trial, 0, trial.count)
  let right = 0
  for (const [number, device] of honest.entries()) {
    const own = images.flatMap((pixels, at) =>
      at % honest.length === number ? [{ pixels, label: trial.labels[at]! }] : [],
    )
    const { labels } = await device.answer(
      own.map(({ pixels }) => pixels),
      parameters,
    )
    own.forEach(({ label }, row) => {
      if (labels[row] === label) right++
    })
  }
  return (100 * right) / trial.count
}

function imagesOf({ pixels, count }: LabelledImages, from: number, to: number): Uint8Array[] {
  const size = pixels.length / count
  return Array.from({ length: to - from }, (_, at) =>
    pixels.subarray((from + at) * size, (from + at + 1) * size),
  )
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
