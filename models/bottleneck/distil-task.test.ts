import { mkdir, mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listPhotos } from '../data/index.ts'
import { float32Values, writeModelFile } from '../onnx/index.ts'
import distilTask, { type DistilInput } from './distil-task.ts'
import { pairShape } from './geometry.ts'
import { littleTeacher, writePhotos } from './test-teachers.test.support.ts'

let folder: string
let task: Omit<DistilInput, 'work'>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-distil-'))
  const model = join(folder, 'teacher.onnx')
  await writeModelFile(model, littleTeacher())
  await mkdir(join(folder, 'photos'))
  await writePhotos(join(folder, 'photos'), 6)
  task = {
    model,
    modelSha256: 'not looked at here',
    input: {
      name: 'x',
      dims: [24, 24, 3],
      layout: 'NHWC',
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      fit: 'cover',
    },
    output: 'answer',
    classes: 4,
    kind: 'logits',
    points: [{ tensor: 'early', dims: [8, 12, 12] }],
    shape: pairShape(24, { channels: 8, side: 12 }, 4),
    photos: await listPhotos(join(folder, 'photos')),
    viewsPerPhoto: 2,
    settings: { batch: 4, featureSteps: 40, featureRate: 3e-3, answerSteps: 6, answerRate: 5e-4 },
    seed: 1,
    threads: 1,
  }
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs it in `work`, stopped at the first sign of life of a phase (after `step` steps of it). */
async function run(work: string, stop?: { phase: string; step: number }) {
  const controller = new AbortController()
  const losses: number[] = []
  const output = await distilTask(
    { ...task, work: join(folder, work) },
    {
      signal: controller.signal,
      onProgress: ({ phase, step, loss }) => {
        if (phase.includes('features')) losses.push(loss)
        if (stop && phase.includes(stop.phase) && step >= stop.step) controller.abort()
      },
    },
  )
  return { ...output, losses }
}

const flat = (weights: Awaited<ReturnType<typeof run>>['weights']) =>
  Array.from(weights, ([name, tensor]) => [name, Array.from(float32Values(tensor))])

describe('a run that is interrupted', () => {
  it('goes on with the targets that it had, and ends with the same weights', async () => {
    const whole = await run('whole')
    await expect(run('parts', { phase: 'teacher', step: 5 })).rejects.toMatchObject({
      code: 'TRAINING_STOPPED',
    })
    // As if the machine had gone down in the middle of a record.
    const views = join(folder, 'parts', 'views.bin')
    const { length } = await readFile(views)
    await truncate(views, length - 100)
    const resumed = await run('parts')
    expect(flat(resumed.weights)).toEqual(flat(whole.weights))
    expect(whole.losses.at(-1)).toBeLessThan(whole.losses[0]! + 1e-9)
  })

  it('is not mixed with one on other photos', async () => {
    await expect(
      distilTask(
        { ...task, photos: task.photos.slice(1), work: join(folder, 'whole') },
        { signal: new AbortController().signal, onProgress: () => {} },
      ),
    ).rejects.toMatchObject({ code: 'WORK_MISMATCH' })
  })
})
