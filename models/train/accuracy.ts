import { batchFiller, type LabelledImages } from '../data/index.ts'
import type { Session } from '../runtime/index.ts'

/** Index of the largest of `length` values from `start`; the first of equals. */
export function argmax(values: ArrayLike<number>, start: number, length: number): number {
  let best = start
  for (let index = start + 1; index < start + length; index++)
    if (values[index]! > values[best]!) best = index
  return best - start
}

/**
 * Share of `images` that a classifier with one input [N,C,H,W] and one output [N,classes] gets right, 0 to 1.
 * Images are normalised by mean and std of pixel / 255 and not augmented.
 */
export async function top1(
  session: Session,
  images: LabelledImages,
  options: { mean: readonly number[]; std: readonly number[]; batch?: number },
): Promise<number> {
  const { channels, height, width, count, labels } = images
  const batch = Math.min(options.batch ?? 250, count)
  const fill = batchFiller(images, options)
  const size = channels * height * width
  const [input, output] = [session.inputs[0]!.name, session.outputs[0]!.name]
  let right = 0
  for (let start = 0; start < count; start += batch) {
    const rows = Math.min(batch, count - start)
    const data = new Float32Array(rows * size)
    fill(
      Uint32Array.from({ length: rows }, (_, row) => start + row),
      0,
      data,
    )
    const result = await session.run({
      [input]: { dtype: 'float32', dims: [rows, channels, height, width], data },
    })
    const logits = result[output]!
    const classes = logits.data.length / rows
    const values = logits.data as Float32Array
    for (let row = 0; row < rows; row++)
      if (argmax(values, row * classes, classes) === labels[start + row]) right++
  }
  return right / count
}
