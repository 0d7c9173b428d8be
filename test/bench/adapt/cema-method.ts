import {
  type BatchAnswer,
  CemaEngine,
  type CemaSettings,
  copyNormParameters,
  type LocalStatisticsSettings,
  NormForward,
  type NormParameters,
} from '@isthmus/models/adapt'
import { answerEntropy, type UploadSelector } from '@isthmus/policies/upload'
import type { Method } from './method.ts'
import type { AdaptNetworks } from './networks.ts'
import { OwnStatistics, PART } from './own-statistics.ts'

export interface CemaMethodOptions {
  readonly name: string
  readonly selector: UploadSelector
  readonly settings?: Partial<CemaSettings>
  /** Of the device's own running statistics. */
  readonly statistics?: Partial<LocalStatisticsSettings>
  readonly threads: number
}

/** Frames between two ticks of the server. */
const ROUND = 64

/**
 * CEMA in both halves. The device answers by what it holds and learns of its frames afterwards: it takes running statistics from them with
 * forward passes alone, anew where they shift, and answers by them and by the server's newest scales and shifts, or by the network as packed where
 * that fits (`LocalStatistics`, as the device SDK has it). It sends up what its selector picks, and its statistics. The server learns from 32 at a
 * time. All of the first round counts as sent up: the foundation takes its statistics from it.
 */
export async function cemaMethod(networks: AdaptNetworks, options: CemaMethodOptions): Promise<Method> {
  const { student, foundation, mean, std } = networks
  const { name, selector, settings = {}, threads } = options
  const { model, layout, classes } = student
  const engine = await CemaEngine.open({
    student: model,
    foundation: foundation.model,
    mean,
    std,
    settings,
    threads,
  })
  const forward = await NormForward.open(model, layout, 'running', threads)
  const byBatch = await NormForward.open(model, layout, 'batch', threads)
  const statistics = new OwnStatistics(student, byBatch, options.statistics)
  let learned: NormParameters = copyNormParameters(student.source)
  let version = 0
  /** Frames, and those of them that the server has not learned from; of the first round every frame. */
  let answered = 0
  const first: Uint8Array[] = []
  const sentUp: Uint8Array[] = []
  /** At least one step for each round of the device: from the store alone, where too few were sent up. */
  async function learn(): Promise<void> {
    if (first.length > 0) await engine.startFrom(first.splice(0))
    for (const sample of sentUp.splice(0)) engine.add(sample)
    do {
      engine.useStatistics(statistics.parameters(learned))
      if (await engine.tick()) version++
    } while (engine.queued >= engine.settings.batch)
    learned = engine.parameters()
  }
  return {
    name,
    batch: PART,
    get version() {
      return version
    },
    async answer(images, pixels): Promise<BatchAnswer> {
      const logits = (await forward.run(images, statistics.parameters(learned))).data
      const isFirst = answered < ROUND
      const entropy = new Float32Array(pixels.length)
      const selected = new Uint8Array(pixels.length).fill(isFirst ? 1 : 0)
      pixels.forEach((sample, row) => {
        const answer = answerEntropy(logits.subarray(row * classes, (row + 1) * classes), 'logits')
        entropy[row] = answer.entropy
        if (isFirst) first.push(sample)
        if (!selector.judge({ ...answer, bytes: sample.length, budgetLeft: 1 }).upload) return
        selected[row] = 1
        sentUp.push(sample)
      })
      const given = entropy.reduce((sum, one) => sum + one, 0)
      await statistics.take(images, pixels.length, given, learned)
      answered += pixels.length
      if (answered % ROUND === 0) await learn()
      return { logits, entropy, selected }
    },
    parameters: () => copyNormParameters(statistics.parameters(learned)),
    async dispose() {
      await engine.dispose()
      await forward.dispose()
      await byBatch.dispose()
    },
  }
}
