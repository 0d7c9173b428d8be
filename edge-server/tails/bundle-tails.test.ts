import { afterEach, expect, it, vi } from 'vitest'
import type { TailWork } from '../dispatch/work.ts'
import { BundleTails } from './bundle-tails.ts'
import { inputDims, summingModel, workerBundle } from './models.test.support.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

it('computes fewer frames together when it takes long to decode them', async () => {
  let nowMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  const bundle = workerBundle({ full: summingModel('image', inputDims, 'N') })
  const tails = await BundleTails.open(bundle, { intraOpThreads: 1, maxBatch: 4 })
  const image: TailWork = {
    bundle: 77,
    mode: 3,
    // Who reads it takes his time.
    get payload() {
      nowMs += 12
      return new Uint8Array(12)
    },
    scale: undefined,
    zeroPoint: undefined,
    deadlineMs: 1e6,
  }
  expect(tails.batches.edge).toBe(4)
  for (let run = 0; run < 50; run++) await tails.compute([image])
  expect(tails.batches.edge).toBe(2)
  await tails.close()
})
