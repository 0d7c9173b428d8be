import {
  type BatchAnswer,
  CemaEngine,
  type CemaSettings,
  copyNormParameters,
  LocalStatistics,
  type LocalStatisticsSettings,
  NormForward,
  type NormParameters,
} from '@isthmus/models/adapt'
import { answerEntropy, type UploadSelector } from '@isthmus/policies/upload'
import type { Method } from './method.ts'
import type { AdaptNetworks } from './networks.ts'

export interface CemaMethodOptions {
  readonly name: string
  readonly selector: UploadSelector
  readonly settings?: Partial<CemaSettings>
  /** Of the device's own running statistics. */
  readonly statistics?: Partial<LocalStatisticsSettings>
  readonly threads: number
}

const BATCH = 64

/**
 * CEMA in both halves. The device takes running statistics from its own frames with forward passes alone, anew where they shift, and answers by
 * them and by the server's newest scales and shifts, or by the network as packed where that fits (`LocalStatistics`, as the device SDK has it).
 * It sends up what its selector picks, and its statistics. The server learns from 32 at a time. All of the first batch counts as sent up: the
 * foundation takes its statistics from it.
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
  const statistics = new LocalStatistics(layout, student.source, options.statistics)
  let learned = copyNormParameters(student.source)
  /** What the device answers with. */
  const parametersWith = (held: LocalStatistics['held']): NormParameters =>
    typeof held === 'object' ? { ...learned, ...held } : student.source
  let version = 0
  let batches = 0
  return {
    name,
    batch: BATCH,
    get version() {
      return version
    },
    async answer(images, pixels): Promise<BatchAnswer> {
      const [world, own] = [
        await byBatch.runWithMoments(images, student.source),
        await byBatch.runWithMoments(images, learned),
      ]
      if (batches++ === 0) await engine.startFrom(pixels)
      const before = statistics.held
      const moved = statistics.add(world.moments, own.moments, pixels.length)
      // A shift is followed at once; else a batch counts from the next one on, for it may be of few classes.
      const answering = parametersWith(moved === 'moved' ? before : statistics.held)
      const logits = (await forward.run(images, answering)).data
      const entropy = new Float32Array(pixels.length)
      const selected = new Uint8Array(pixels.length).fill(batches === 1 ? 1 : 0)
      pixels.forEach((sample, row) => {
        const answer = answerEntropy(logits.subarray(row * classes, (row + 1) * classes), 'logits')
        entropy[row] = answer.entropy
        const verdict = selector.judge({ ...answer, bytes: sample.length, budgetLeft: 1 })
        if (!verdict.upload) return
        selected[row] = 1
        engine.add(sample)
      })
      // At least one step for each batch of the device: from the store alone, where too few were sent up.
      do {
        engine.useStatistics(answering)
        if (await engine.tick()) version++
      } while (engine.queued >= engine.settings.batch)
      learned = engine.parameters()
      return { logits, entropy, selected }
    },
    parameters: () => copyNormParameters(parametersWith(statistics.held)),
    async dispose() {
      await engine.dispose()
      await forward.dispose()
      await byBatch.dispose()
    },
  }
}
