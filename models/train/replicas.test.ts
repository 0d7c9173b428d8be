import { Worker } from 'node:worker_threads'
import { expect, it, vi } from 'vitest'
import { compileTrainingStep, type Optimizer } from '../autodiff/index.ts'
import { seededRandom } from '../data/index.ts'
import { NetBuilder } from '../nets/index.ts'
import type { Tensor } from '../runtime/index.ts'
import { rowsOf } from './replicas.ts'
import { StepRunner } from './step-runner.ts'

const sgd: Optimizer = { kind: 'sgd', momentum: 0.9, nesterov: true }
const BATCH = 12

/** A net without batch statistics, so that rows do not see each other, for steps of `rows`. */
function stepOf(rows: number, optimizer: Optimizer) {
  const net = new NetBuilder('small', { random: seededRandom(7), training: true })
  const input = net.g.input('input', 'float32', [rows, 3, 8, 8])
  const targets = net.g.input('targets', 'float32', [rows, 3])
  const features = net.relu(net.conv('conv', input, 3, 8, { kernel: 3, stride: 2, pad: 1, bias: true }))
  net.g.output(net.crossEntropy(net.linear('head', net.globalAverage(features), 8, 3), targets, rows), 'loss')
  return compileTrainingStep(net.build(), {
    loss: 'loss',
    inputDims: { input: [rows, 3, 8, 8], targets: [rows, 3] },
    optimizer,
    groups: [{ name: 'all', parameters: [...net.kernels, ...net.vectors], weightDecay: 0.01 }],
  })
}

function batchOf(seed: number): Record<string, Tensor> {
  const random = seededRandom(seed)
  const data = Float32Array.from({ length: BATCH * 192 }, () => random.normal())
  const targets = new Float32Array(BATCH * 3)
  for (let row = 0; row < BATCH; row++) targets[row * 3 + random.below(3)] = 1
  return {
    input: { dtype: 'float32', dims: [BATCH, 3, 8, 8], data },
    targets: { dtype: 'float32', dims: [BATCH, 3], data: targets },
  }
}

async function trained(replicas: number): Promise<{ losses: number[]; state: StepRunner['state'] }> {
  const step = stepOf(BATCH / replicas, sgd)
  const runner = await StepRunner.open(step, { optimizer: sgd, replicas })
  const losses: number[] = []
  for (let at = 0; at < 5; at++)
    losses.push((await runner.run(batchOf(at), 0.1))[step.loss]!.data[0] as number)
  await runner.dispose()
  return { losses, state: runner.state }
}

it.each([2, 3])('%i replicas take the steps of one that sees all rows', async (replicas) => {
  const [one, several] = [await trained(1), await trained(replicas)]
  several.losses.forEach((loss, at) => {
    expect(loss).toBeCloseTo(one.losses[at]!, 5)
  })
  expect(Object.keys(several.state)).toEqual(Object.keys(one.state))
  for (const [name, values] of Object.entries(several.state)) {
    values.forEach((value, at) => {
      expect(Math.abs(value - one.state[name]![at]!)).toBeLessThan(1e-5)
    })
  }
})

it('takes the mean of the steps that each copy would take, where the optimiser is Adam', async () => {
  const adam: Optimizer = { kind: 'adam' }
  const step = stepOf(BATCH / 2, adam)
  const together = await StepRunner.open(step, { optimizer: adam, replicas: 2 })
  const alone = await StepRunner.open(step, { optimizer: adam })
  for (const at of [0, 1]) {
    const start = together.state
    await together.run(batchOf(at), 0.01)
    const ends: (typeof start)[] = []
    for (const half of [0, 1]) {
      alone.state = start
      alone.stepsDone = at
      await alone.run(rowsOf(batchOf(at), half, 2), 0.01)
      ends.push(alone.state)
    }
    for (const [name, values] of Object.entries(together.state)) {
      values.forEach((value, place) => {
        expect(value).toBeCloseTo((ends[0]![name]![place]! + ends[1]![name]![place]!) / 2, 5)
      })
    }
  }
  await together.dispose()
  await alone.dispose()
})

it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses %d replicas', async (replicas) => {
  await expect(StepRunner.open(stepOf(4, sgd), { optimizer: sgd, replicas })).rejects.toMatchObject({
    code: 'BAD_OPTION',
  })
})

it('says which rows do not divide, and what one of them has broken', async () => {
  const runner = await StepRunner.open(stepOf(BATCH / 2, sgd), { optimizer: sgd, replicas: 2 })
  const whole = batchOf(1)
  const before = runner.state
  const odd = { dtype: 'float32', dims: [11, 3, 8, 8], data: new Float32Array(11 * 192) } as const
  await expect(runner.run({ ...whole, input: odd }, 0.1)).rejects.toMatchObject({
    code: 'BAD_FEED',
    message: expect.stringContaining("The 11 rows of 'input' do not divide into 2"),
  })
  const data = (whole.input!.data as Float32Array).slice()
  data[BATCH * 192 - 1] = Number.NaN
  await expect(
    runner.run({ ...whole, input: { ...whole.input!, data } as Tensor }, 0.1),
  ).rejects.toMatchObject({ code: 'TRAINING_DIVERGED' })
  expect([runner.state, runner.stepsDone]).toEqual([before, 0])
  await runner.dispose()
})

it('gives a scalar to all of them', () => {
  const scalar: Tensor = { dtype: 'float32', dims: [], data: Float32Array.of(3) }
  for (const at of [0, 1]) expect(rowsOf({ scalar }, at, 2)).toEqual({ scalar })
})

it('leaves no thread behind when one replica does not open', async () => {
  const { postMessage } = Worker.prototype
  const told = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...args) {
    if (told.mock.calls.length === 2) void this.terminate()
    else postMessage.apply(this, args)
  })
  const opening = StepRunner.open(stepOf(4, sgd), { optimizer: sgd, replicas: 2 })
  await expect(opening).rejects.toMatchObject({ code: 'WORKER_DIED' })
  const workers = new Set(told.mock.contexts as Worker[])
  told.mockRestore()
  expect([...workers].map(({ threadId }) => threadId)).toEqual([-1, -1])
})
