import { float32Tensor, GraphBuilder, writeModel } from '@isthmus/models/onnx'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { TailOutcome, TailWork } from '../dispatch/work.ts'
import { BundleTails } from './bundle-tails.ts'
import { FrameModel } from './frame-model.ts'
import { latentDims, logModel, summingModel, workerBundle } from './models.test.support.ts'
import { TaskDecoders } from './task-decoders.ts'

/** logits[k] = factor · (k + 1) · sum of the latent; with `log`, ln of it. */
function decoder(labels: number, factor: number, log = false): Uint8Array {
  const graph = new GraphBuilder('decoder')
  const flat = graph.op('Flatten', [graph.input('latent', 'float32', [1, ...latentDims])])
  const weights = Array.from({ length: 4 * labels }, (_, at) => factor * ((at % labels) + 1))
  const product = graph.op('MatMul', [flat, graph.constant(float32Tensor(weights, [4, labels]))])
  graph.output(log ? graph.op('Log', [product]) : product, 'logits', 'float32', [1, labels])
  return writeModel(graph.build())
}

const { run } = FrameModel.prototype

let tails: BundleTails | undefined
afterEach(() => {
  vi.restoreAllMocks()
  return tails?.close()
})

async function open(tail = summingModel('latent', latentDims, 'N')) {
  const decoders = [
    { id: 4, labels: 3, model: decoder(3, 10) },
    { id: 9, labels: 1, model: decoder(1, 100) },
    { id: 5, labels: 2, model: decoder(2, 1, true) },
  ]
  tails = await BundleTails.open(workerBundle({ tail, decoders }), { intraOpThreads: 1, maxBatch: 4 })
  return tails
}

const work = (value: number, decoders?: readonly number[]): TailWork => ({
  bundle: 77,
  mode: 1,
  payload: new Uint8Array(4).fill(value),
  scale: undefined,
  zeroPoint: undefined,
  deadlineMs: 1e6,
  ...(decoders && { decoders }),
})
const said = (outcome: TailOutcome) => {
  if (!outcome.ok) return outcome.code
  return { result: [...outcome.result], dims: outcome.dims, decoded: outcome.decoded }
}

describe('decoders of further tasks', () => {
  it('answer behind the tail, each in a batch from its own latent, in the order in which they are named', async () => {
    const outcomes = await (await open()).compute([work(1, [9, 4]), work(2), work(3, [4])])
    expect(outcomes.map(said)).toEqual([
      {
        result: [4, 8, 400, 40, 80, 120],
        dims: [1, 2],
        decoded: [
          { id: 9, values: 1 },
          { id: 4, values: 3 },
        ],
      },
      { result: [8, 16], dims: [1, 2], decoded: undefined },
      { result: [12, 24, 120, 240, 360], dims: [1, 2], decoded: [{ id: 4, values: 3 }] },
    ])
    expect(outcomes.every((outcome) => outcome.ok && outcome.batch === 3)).toBe(true)
  })

  it('that give no finite number, or are not there, cost their task and not the answer', async () => {
    const [outcome] = await (await open()).compute([work(0, [5, 77, 9])])
    expect(said(outcome!)).toEqual({ result: [0, 0, 0], dims: [1, 2], decoded: [{ id: 9, values: 1 }] })
  })

  it('do not run for a frame that the tail has failed on', async () => {
    const outcomes = await (await open(logModel('latent', latentDims, 'N'))).compute([
      work(0, [9]),
      work(1, [9]),
    ])
    expect(said(outcomes[0]!)).toBe('TAIL_FAILED')
    expect(said(outcomes[1]!)).toMatchObject({ decoded: [{ id: 9, values: 1 }] })
  })

  it('count in what the tail took', async () => {
    const [outcome] = await (await open()).compute([work(1, [4, 9, 5])])
    const { tailMs, ownMs } = outcome as TailOutcome & { ok: true }
    expect(ownMs).toBeGreaterThan(0)
    expect(tailMs).toBeGreaterThan(ownMs!)
  })

  it('that would keep the answer until it is too late are left out, and tried again after a while', async () => {
    let nowMs = 0
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
    const decoders = await TaskDecoders.open(
      [
        { id: 4, labels: 3, model: decoder(3, 10) },
        { id: 9, labels: 1, model: decoder(1, 100) },
      ],
      latentDims,
      1,
    )
    const latent = new Float32Array(4).fill(1)
    const ask = async (leftMs?: () => number) => {
      const { result, decoded } = await decoders.behind(Float32Array.of(7), latent, [9, 4], leftMs)
      return { result: [...result], ids: decoded.map(({ id }) => id) }
    }
    // The first takes 40 ms, the second nothing.
    const slow = vi.spyOn(FrameModel.prototype, 'run').mockImplementation(async function (
      this: FrameModel,
      ...args
    ) {
      const made = await run.apply(this, args)
      if (made.results[0]!.length === 1) nowMs += 40
      return made
    })
    expect(await ask()).toEqual({ result: [7, 400, 40, 80, 120], ids: [9, 4] })
    expect(await ask(() => 50)).toMatchObject({ ids: [9, 4] })
    expect(await ask(() => 30)).toEqual({ result: [7, 40, 80, 120], ids: [4] })
    expect(await ask(() => -1)).toEqual({ result: [7], ids: [] })
    // As long as it stays slow, hardly a frame is late for it.
    let late = 0
    for (let frame = 0; frame < 200; frame++) if ((await ask(() => 30)).ids.includes(9)) late++
    expect(late).toBeGreaterThan(0)
    expect(late).toBeLessThanOrEqual(4)
    slow.mockRestore()
    let tries = 0
    while (!(await ask(() => 30)).ids.includes(9)) expect(++tries).toBeLessThan(60)
    expect(await ask(() => 30)).toMatchObject({ ids: [9, 4] })
    await decoders.dispose()
  })

  it('are thought to take what they took, also where the first frame came too late for them', async () => {
    let nowMs = 0
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
    vi.spyOn(FrameModel.prototype, 'run').mockImplementation(async function (this: FrameModel, ...args) {
      nowMs += 40
      return run.apply(this, args)
    })
    const decoders = await TaskDecoders.open([{ id: 4, labels: 3, model: decoder(3, 10) }], latentDims, 1)
    const decodedIn = async (leftMs: number) =>
      (await decoders.behind(Float32Array.of(7), new Float32Array(4), [4], () => leftMs)).decoded.length
    expect(await decodedIn(-1)).toBe(0)
    expect(await decodedIn(30)).toBe(1)
    expect(await decodedIn(30)).toBe(0)
    expect(await decodedIn(50)).toBe(1)
    await decoders.dispose()
  })

  it('let fewer frames be computed together, the longer they take', async () => {
    let nowMs = 0
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
    const opened = await open()
    vi.spyOn(TaskDecoders.prototype, 'behind').mockImplementation(async (result) => {
      nowMs += 12
      return { result, decoded: [] }
    })
    expect(opened.batches.split).toBe(4)
    for (let run = 0; run < 50; run++) await opened.compute([work(1, [4]), work(2, [4])])
    expect(opened.batches.split).toBe(2)
    const [asks, other] = await opened.compute([work(1, [4]), work(2)])
    expect(asks).toMatchObject({ tailMs: 12, ownMs: 12, batch: 2 })
    expect(other).toMatchObject({ tailMs: 0, batch: 2 })
  })

  it('that are no networks on the latent make the bundle one that cannot be served', async () => {
    const wrong = { id: 4, labels: 7, model: decoder(3, 1) }
    const right = { id: 9, labels: 3, model: decoder(3, 1) }
    const bundle = workerBundle({ decoders: [right, wrong] })
    const dispose = vi.spyOn(FrameModel.prototype, 'dispose')
    const opening = BundleTails.open(bundle, { intraOpThreads: 1, maxBatch: 1 })
    await expect(opening).rejects.toMatchObject({ code: 'TAIL_FAILED' })
    // The tail, the full model and the right decoder were open already.
    expect(dispose).toHaveBeenCalledTimes(3)
  })
})
