import { batchFiller, type Cifar10 } from '../data/index.ts'
import type { Tensor } from '../runtime/index.ts'
import { normalisation } from './measure.ts'

const STATISTICS_IMAGES = 10_000
const BATCH = 250

/** Training images as they are: what running statistics are taken from. */
export function* cleanBatches({ train }: Cifar10): Generator<Tensor> {
  const fill = batchFiller(train, normalisation)
  for (let first = 0; first < STATISTICS_IMAGES; first += BATCH) {
    const data = new Float32Array(BATCH * 3072)
    const indices = Uint32Array.from({ length: BATCH }, (_, row) => first + row)
    fill(indices, 0, data)
    yield { dtype: 'float32', dims: [BATCH, 3, 32, 32], data }
  }
}
