import { afterEach, expect, it, vi } from 'vitest'
import type { TailOutcome, TailWork } from '../dispatch/work.ts'
import { BundleTails } from './bundle-tails.ts'
import { FrameModel } from './frame-model.ts'
import { inputDims, summingModel, workerBundle } from './models.test.support.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const image = (brightness: number): TailWork => ({
  bundle: 77,
  mode: 3,
  payload: new Uint8Array(12).fill(brightness),
  scale: undefined,
  zeroPoint: undefined,
  deadlineMs: 1e6,
})
const open = () => {
  const bundle = workerBundle({ full: summingModel('image', inputDims, 'N') })
  return BundleTails.open(bundle, { intraOpThreads: 1, maxBatch: 4 })
}
const answers = (outcomes: readonly TailOutcome[]) =>
  outcomes.map((outcome) => (outcome.ok ? Math.round(outcome.result[0]!) : outcome.code))

it('computes alone what breaks together, and so many not together again', async () => {
  vi.spyOn(performance, 'now').mockReturnValue(0)
  const tails = await open()
  const run = vi.spyOn(FrameModel.prototype, 'run')
  run.mockRejectedValueOnce(new Error('not three'))
  const works = [image(255), image(0), image(255)]
  expect(answers(await tails.compute(works))).toEqual([12, 0, 12])
  expect(run.mock.calls.map(([count]) => count)).toEqual([3, 1, 1, 1])
  expect(tails.batches.edge).toBe(2)
  await tails.close()
})

it('blames a frame that breaks the others and itself, not their number', async () => {
  vi.spyOn(performance, 'now').mockReturnValue(0)
  const tails = await open()
  const run = vi.spyOn(FrameModel.prototype, 'run')
  for (let time = 0; time < 2; time++) run.mockRejectedValueOnce(new Error('not this one'))
  expect(answers(await tails.compute([image(0), image(255)]))).toEqual(['TAIL_FAILED', 12])
  expect(tails.batches.edge).toBe(4)
  await tails.close()
})

it('computes fewer frames together when it takes long to decode them', async () => {
  let nowMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  const tails = await open()
  const large: TailWork = {
    ...image(0),
    // Who reads it takes his time.
    get payload() {
      nowMs += 12
      return new Uint8Array(12)
    },
  }
  expect(tails.batches.edge).toBe(4)
  for (let run = 0; run < 50; run++) await tails.compute([large])
  expect(tails.batches.edge).toBe(2)
  await tails.close()
})
