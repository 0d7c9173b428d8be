import type { Session } from '../runtime/index.ts'
import { argmax } from '../train/index.ts'
import type { LabelledLatents } from './exit-training.ts'
import type { LatentTask } from './tasks-training.ts'

const ANIMALS = ['bird', 'cat', 'deer', 'dog', 'frog', 'horse']

/** The classes as they are, and the coarse question whether it is an animal. */
export function cifar10Tasks(labels: readonly string[], latent: readonly number[]): LatentTask[] {
  const dims = latent as [number, number, number]
  return [
    {
      sizes: { task: 'class', latent: dims, channels: 32, classes: labels.length },
      labels,
      of: labels.map((_, label) => label),
    },
    {
      sizes: { task: 'coarse', latent: dims, channels: 12, classes: 2 },
      labels: ['vehicle', 'animal'],
      of: labels.map((label) => (ANIMALS.includes(label) ? 1 : 0)),
    },
  ]
}

/** Share of the latents that a decoder answers rightly. */
export async function decoderTop1(
  decoder: Session,
  latents: LabelledLatents,
  { of, sizes }: Pick<LatentTask, 'of' | 'sizes'>,
): Promise<number> {
  const { values, dims, labels } = latents
  const count = labels.length
  const { logits } = await decoder.run({
    latent: { dtype: 'float32', dims: [count, ...dims], data: values },
  })
  const scores = logits!.data as Float32Array
  const isRight = (label: number, row: number) =>
    argmax(scores, row * sizes.classes, sizes.classes) === of[label]
  return labels.filter(isRight).length / count
}
