import { float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FrameModel } from './frame-model.ts'

const dims = [4]
const shape = { input: dims, output: { name: 'y', dims: [2] } }

/** How far the clock goes each time that it is read. */
let stepMs = 0
beforeEach(() => {
  let nowMs = 0
  stepMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => {
    nowMs += stepMs
    return nowMs
  })
})

const opened: FrameModel[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const model of opened.splice(0)) await model.dispose()
})

type Twist = (g: GraphBuilder, x: string) => string
const straight: Twist = (_g, x) => x
/** The same numbers, but of two frames or more not in the order of the frames. */
const mixed: Twist = (g, y) => g.op('Reshape', [g.op('Transpose', [y], { perm: [1, 0] }), g.ints([-1, 2])])
const centred: Twist = (g, x) => g.op('Sub', [x, g.op('ReduceMean', [x], { axes: [0] })])

/** From x [`batch`,4] to y [·,2] = x·W, after `twist` and before `last`. */
function model(batch: number | string, twist = straight, last = straight): Uint8Array {
  const g = new GraphBuilder('frames')
  const x = g.input('x', 'float32', [batch, ...dims])
  const weights = g.constant(float32Tensor([1, 2, 3, 4, 5, 6, 7, 8], [4, 2]))
  g.output(last(g, g.op('MatMul', [twist(g, x), weights])), 'y', 'float32', [batch, 2])
  return writeModel(g.build())
}

async function open(bytes: Uint8Array, maxBatch = 4): Promise<FrameModel> {
  const frames = await FrameModel.open(bytes, shape, { intraOpThreads: 1, maxBatch })
  opened.push(frames)
  return frames
}

const fill = (frames: FrameModel, rows: readonly (readonly number[])[]) =>
  rows.forEach((row, at) => void frames.rows[at]!.set(row))

describe('a network with a free batch dimension', () => {
  it('computes frames together, each as alone', async () => {
    const frames = await open(model('N'))
    expect(frames.frames).toBe(4)
    const rows = [
      [1, 0, 0, 0],
      [0, 1, 0, 0],
      [1, 1, 1, 1],
    ]
    fill(frames, rows)
    const { results, dims: each } = await frames.run(3)
    expect(results.map((result) => [...result])).toEqual([
      [1, 2],
      [3, 4],
      [16, 20],
    ])
    expect(each).toEqual([1, 2])
    fill(frames, rows.slice(2))
    expect([...(await frames.run(1)).results[0]!]).toEqual([16, 20])
  })

  it('gives each result a buffer of its own, to be transferred', async () => {
    const frames = await open(model('N'))
    const { results } = await frames.run(2)
    expect(results.map(({ buffer }) => buffer.byteLength)).toEqual([8, 8])
  })

  it('computes no more together than it was asked to', async () => {
    expect((await open(model('N'), 2)).frames).toBe(2)
    expect((await open(model('N'), 1)).frames).toBe(1)
  })

  it('computes one by one when a frame would hear of the others', async () => {
    expect((await open(model('N', centred))).frames).toBe(1)
  })

  it('computes one by one when a frame would hear of the others, however slow the start was', async () => {
    stepMs = 20
    const [mixing, honest] = [await open(model('N', centred)), await open(model('N'))]
    expect([mixing.frames, honest.frames]).toEqual([1, 1])
    stepMs = 1
    for (let run = 0; run < 50; run++) for (const frames of [mixing, honest]) await frames.run(1)
    expect([mixing.frames, honest.frames]).toEqual([1, 4])
  })

  it('computes one by one when results get mixed up, however small they are', async () => {
    const small: Twist = (g, y) => g.op('Mul', [mixed(g, y), g.scalar(1e-5)])
    expect((await open(model('N', straight, small))).frames).toBe(1)
    const ordered: Twist = (g, y) => g.op('Mul', [y, g.scalar(1e-5)])
    expect((await open(model('N', straight, ordered))).frames).toBe(4)
  })

  it('computes one by one when the results of the trial are all alike, which proves nothing', async () => {
    const dead: Twist = (g, y) => g.op('Relu', [g.op('Sub', [mixed(g, y), g.scalar(100)])])
    expect((await open(model('N', straight, dead))).frames).toBe(1)
  })

  it('computes fewer together when it takes long to fill the rows', async () => {
    const frames = await open(model('N'))
    for (let run = 0; run < 50; run++) await frames.run(1, 12)
    expect(frames.frames).toBe(2)
  })

  it('computes one by one when its inside takes one frame only', async () => {
    const reshaped = model('N', (g, x) => g.op('Reshape', [x, g.ints([1, 4])]))
    const frames = await open(reshaped)
    expect(frames.frames).toBe(1)
    fill(frames, [[1, 0, 0, 0]])
    expect([...(await frames.run(1)).results[0]!]).toEqual([1, 2])
  })
})

it('computes one by one when the batch dimension is fixed', async () => {
  expect((await open(model(1))).frames).toBe(1)
})

it('refuses an output that is not what was said', async () => {
  const other = { input: dims, output: { name: 'y', dims: [3] } }
  const opening = FrameModel.open(model('N'), other, { intraOpThreads: 1, maxBatch: 4 })
  await expect(opening).rejects.toMatchObject({ code: 'TAIL_FAILED' })
})
