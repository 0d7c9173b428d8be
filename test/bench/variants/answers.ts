import { batchFiller, cifar10Mean, cifar10Std, type LabelledImages } from '@isthmus/models/data'
import { openSession } from '@isthmus/models/runtime'

/** The label to `labelShare`, for the rest the teacher's answer to the image as it is: [count, 10]. */
export async function teachersAnswers(
  model: Uint8Array,
  images: LabelledImages,
  labelShare: number,
  threads: number,
): Promise<Float32Array> {
  const session = await openSession(model, { intraOpThreads: threads })
  const fill = batchFiller(images, { mean: cifar10Mean, std: cifar10Std })
  const targets = new Float32Array(images.count * 10)
  const batch = 128
  for (let start = 0; start < images.count; start += batch) {
    const rows = Math.min(batch, images.count - start)
    const data = new Float32Array(rows * 3 * 32 * 32)
    fill(
      Uint32Array.from({ length: rows }, (_, row) => start + row),
      0,
      data,
    )
    const { logits } = await session.run({ input: { dtype: 'float32', dims: [rows, 3, 32, 32], data } })
    for (let row = 0; row < rows; row++) {
      const powers = Array.from((logits!.data as Float32Array).subarray(10 * row, 10 * row + 10), Math.exp)
      const total = powers.reduce((sum, power) => sum + power, 0)
      powers.forEach((power, label) => {
        targets[10 * (start + row) + label] = ((1 - labelShare) * power) / total
      })
      targets[10 * (start + row) + images.labels[start + row]!]! += labelShare
    }
  }
  await session.dispose()
  return targets
}
