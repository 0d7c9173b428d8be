import {
  type BatchAnswer,
  CemaEngine,
  type CemaSettings,
  copyNormParameters,
  NormForward,
} from '@isthmus/models/adapt'
import { answerEntropy, type UploadSelector } from '@isthmus/policies/upload'
import type { Method } from './method.ts'
import type { AdaptNetworks } from './networks.ts'

export interface CemaMethodOptions {
  readonly name: string
  readonly selector: UploadSelector
  readonly settings?: Partial<CemaSettings>
  readonly threads: number
}

const BATCH = 64

/**
 * CEMA in both halves: the device answers by running statistics and sends up what its selector picks; the server learns from 32 at a
 * time and its newest parameters answer the next batch.
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
  let parameters = copyNormParameters(student.source)
  let version = 0
  let first = true
  return {
    name,
    batch: BATCH,
    get version() {
      return version
    },
    async answer(images, pixels): Promise<BatchAnswer> {
      if (first) {
        first = false
        const { moments } = await byBatch.runWithMoments(images, parameters)
        parameters = { ...parameters, ...moments }
        await engine.startFrom(pixels)
      }
      const logits = (await forward.run(images, parameters)).data
      const entropy = new Float32Array(pixels.length)
      const selected = new Uint8Array(pixels.length)
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
        if (await engine.tick()) version++
      } while (engine.queued >= engine.settings.batch)
      if (version > 0) parameters = engine.parameters()
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
