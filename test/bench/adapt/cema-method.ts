import {
  type BatchAnswer,
  CemaEngine,
  type CemaSettings,
  copyNormParameters,
  moveStatistics,
  NormForward,
} from '@isthmus/models/adapt'
import { answerEntropy, type UploadSelector } from '@isthmus/policies/upload'
import type { Method } from './method.ts'
import type { AdaptNetworks } from './networks.ts'

export interface CemaMethodOptions {
  readonly name: string
  readonly selector: UploadSelector
  readonly settings?: Partial<CemaSettings>
  /** How far the device's own running statistics move with each batch, at least. Default 0.05. */
  readonly statisticsShare?: number
  readonly threads: number
}

const BATCH = 64

/**
 * CEMA in both halves. The device answers by running statistics that it takes from its own frames with forward passes alone: from the
 * first batch at once, then moving. It sends up what its selector picks, and its statistics. The server learns from 32 at a time; its
 * newest scales and shifts answer the next batch. All of the first batch counts as sent up: the foundation takes its statistics
 * from it.
 */
export async function cemaMethod(networks: AdaptNetworks, options: CemaMethodOptions): Promise<Method> {
  const { student, foundation, mean, std } = networks
  const { name, selector, settings = {}, threads, statisticsShare: least = 0.05 } = options
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
  let parameters = copyNormParameters(student.source)
  let version = 0
  let batches = 0
  return {
    name,
    batch: BATCH,
    get version() {
      return version
    },
    async answer(images, pixels): Promise<BatchAnswer> {
      const { moments } = await byBatch.runWithMoments(images, parameters)
      if (batches++ === 0) {
        await engine.startFrom(pixels)
        parameters = { ...parameters, ...moments }
      }
      const logits = (await forward.run(images, parameters)).data
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
        engine.useStatistics(parameters)
        if (await engine.tick()) version++
      } while (engine.queued >= engine.settings.batch)
      if (batches > 1) moveStatistics(parameters, moments, Math.max(least, 1 / batches))
      const { scale, shift } = engine.parameters()
      parameters = { ...parameters, scale, shift }
      return { logits, entropy, selected }
    },
    parameters: () => copyNormParameters(parameters),
    async dispose() {
      await engine.dispose()
      await forward.dispose()
      await byBatch.dispose()
    },
  }
}
