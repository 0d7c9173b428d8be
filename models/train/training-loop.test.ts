import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { seededRandom } from '../data/index.ts'
import { NetBuilder } from '../nets/index.ts'
import type { Tensor } from '../runtime/index.ts'
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts'
import { runTraining, type TrainingRun } from './training-loop.ts'

const optimizer: Optimizer = { kind: 'adam' }
const batch = 16

/** A small convolutional net with batch statistics, on random images whose label is the brightest channel. */
function run(steps: number, changes: Partial<TrainingRun> = {}): TrainingRun {
  const net = new NetBuilder('small', { random: seededRandom(7), training: true })
  const input = net.g.input('input', 'float32', [batch, 3, 8, 8])
  const targets = net.g.input('targets', 'float32', [batch, 3])
  const features = net.normRelu('norm', net.conv('conv', input, 3, 8, { kernel: 3, stride: 2, pad: 1 }), 8)
  net.g.output(
    net.crossEntropy(net.linear('head', net.globalAverage(features), 8, 3), targets, batch),
    'loss',
  )
  const step = compileTrainingStep(net.build(), {
    loss: 'loss',
    inputDims: { input: [batch, 3, 8, 8], targets: [batch, 3] },
    optimizer,
    groups: [{ name: 'all', parameters: [...net.kernels, ...net.vectors] }],
  })
  return {
    step,
    optimizer,
    steps,
    itemsPerStep: batch,
    rate: () => 0.02,
    batch: brightestChannel,
    threads: 1,
    ...changes,
  }
}

function brightestChannel(step: number): Record<string, Tensor> {
  const random = seededRandom(11, step)
  const images = new Float32Array(batch * 3 * 64)
  const targets = new Float32Array(batch * 3)
  for (let image = 0; image < batch; image++) {
    const bright = random.below(3)
    targets[image * 3 + bright] = 1
    for (let at = 0; at < 3 * 64; at++) {
      images[image * 192 + at] = random.uniform() + (Math.floor(at / 64) === bright ? 0.5 : 0)
    }
  }
  return {
    input: { dtype: 'float32', dims: [batch, 3, 8, 8], data: images },
    targets: { dtype: 'float32', dims: [batch, 3], data: targets },
  }
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-train-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('runTraining', () => {
  it('learns a simple rule, and reports a falling loss', async () => {
    const losses: number[] = []
    const { state: first } = await runTraining(run(1, { onProgress: ({ loss }) => losses.push(loss) }))
    await runTraining(run(150, { start: first, onProgress: ({ loss }) => losses.push(loss) }))
    expect(losses.at(-1)!).toBeLessThan(losses[0]! / 3)
  })

  it('gives the same weights for the same seed', async () => {
    expect((await runTraining(run(5))).state).toEqual((await runTraining(run(5))).state)
  })

  it('goes on from a checkpoint to the same weights as a run that was never stopped', async () => {
    const checkpoint = { file: join(folder, 'run.checkpoint'), identity: 'test', everySteps: 100 }
    const controller = new AbortController()
    const interrupted = run(12, {
      checkpoint,
      signal: controller.signal,
      batch: (step) => {
        if (step === 6) controller.abort()
        return brightestChannel(step)
      },
    })
    await expect(runTraining(interrupted)).rejects.toMatchObject({ code: 'TRAINING_STOPPED' })
    const saved = await loadCheckpoint(checkpoint.file, 'test')
    expect(saved?.step).toBe(7)
    const resumed = await runTraining(run(12, { checkpoint }))
    expect(resumed.state).toEqual((await runTraining(run(12))).state)
    expect(resumed.elapsedS).toBeGreaterThan(saved!.elapsedS)
  })

  it('that is aborted in its last step is complete all the same', async () => {
    const controller = new AbortController()
    const last = run(3, {
      signal: controller.signal,
      batch: (step) => {
        if (step === 2) controller.abort()
        return brightestChannel(step)
      },
    })
    expect((await runTraining(last)).state).toEqual((await runTraining(run(3))).state)
  })

  it('stops with an error when the loss is no longer a number', async () => {
    const broken = run(3, {
      batch: (step) => {
        const data = brightestChannel(step)
        if (step === 1) (data.input!.data as Float32Array)[0] = Number.NaN
        return data
      },
    })
    await expect(runTraining(broken)).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' })
  })
})

describe('the folder of checkpoints', () => {
  it('that cannot be written is named before the first step', async () => {
    await writeFile(join(folder, 'file'), '')
    const checkpoint = { file: join(folder, 'file', 'run.checkpoint'), identity: 'test', everySteps: 100 }
    const seen: number[] = []
    const batch = (step: number) => {
      seen.push(step)
      return brightestChannel(step)
    }
    await expect(runTraining(run(3, { checkpoint, batch }))).rejects.toMatchObject({
      code: expect.stringMatching(/CHECKPOINT_UN(READ|WRIT)ABLE/),
      message: expect.stringContaining('run.checkpoint'),
    })
    expect(seen).toEqual([])
  })
})

describe('a checkpoint', () => {
  const state = { 'all.parameters': Float32Array.of(1, 2.5, -3), statistics: Float32Array.of(0.25) }
  const save = async () => {
    const file = join(folder, 'a.checkpoint')
    await saveCheckpoint(file, { step: 42, identity: 'a run', state, elapsedS: 1.5 })
    return file
  }

  it('holds step and state', async () => {
    expect(await loadCheckpoint(await save(), 'a run')).toEqual({
      step: 42,
      identity: 'a run',
      state,
      elapsedS: 1.5,
    })
  })

  it('that cannot be written leaves the one before, and nothing beside it', async () => {
    const file = await save()
    // In the place of the new file, so that writing fails whoever runs the test.
    await mkdir(`${file}.new`)
    await expect(save()).rejects.toMatchObject({
      code: 'CHECKPOINT_UNWRITABLE',
      message: expect.stringContaining(file),
    })
    expect((await loadCheckpoint(file, 'a run'))?.step).toBe(42)
  })

  it('is absent before the first save', async () => {
    expect(await loadCheckpoint(join(folder, 'none'), 'a run')).toBeUndefined()
  })

  it('of another run is refused', async () => {
    await expect(loadCheckpoint(await save(), 'another run')).rejects.toMatchObject({
      code: 'CHECKPOINT_UNREADABLE',
    })
  })

  it('that is cut short or damaged is refused', async () => {
    const file = await save()
    const bytes = await readFile(file)
    const flipped = Array.from({ length: bytes.length }, (_, at) => {
      const copy = Buffer.from(bytes)
      copy[at]! ^= 1
      return copy
    })
    for (const damaged of [
      ...flipped,
      Buffer.concat([bytes, Buffer.alloc(4)]),
      bytes.subarray(0, bytes.length - 1),
      bytes.subarray(0, 30),
      Buffer.from('no checkpoint\n'),
    ]) {
      await writeFile(file, damaged)
      await expect(loadCheckpoint(file, 'a run')).rejects.toMatchObject({ code: 'CHECKPOINT_UNREADABLE' })
    }
  })
})
