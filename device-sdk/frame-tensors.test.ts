import type { Session } from '@isthmus/models/runtime'
import { StageTimes } from '@isthmus/policies'
import { describe, expect, it } from 'vitest'
import type { InputShape } from './frame.ts'
import { FrameTensors, type TensorWork } from './frame-tensors.ts'
import { ModelRunner } from './model-runner.ts'
import { Normaliser, TensorPool } from './normalise.ts'
import { StageLog } from './stage-log.ts'

const shape: InputShape = {
  width: 1,
  height: 1,
  channels: 3,
  layout: 'NCHW',
  dims: [1, 3, 1, 1],
  count: 3,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  fit: 'fill',
}

/** A head that gives twice its input, in a spare buffer if there is one, as a session in a thread does. */
class DoublingHead implements Session {
  readonly inputs = [{ name: 'x', dtype: 'float32', dims: [1, 3, 1, 1] }] as const
  readonly outputs = [{ name: 'latent', dtype: 'float32', dims: [1, 3, 1, 1] }] as const
  readonly spares: number[] = []

  async run(feeds: Parameters<Session['run']>[0], spare: readonly ArrayBuffer[] = []) {
    this.spares.push(spare.length)
    const data = new Float32Array(spare[0] ?? new ArrayBuffer(12))
    for (const [at, value] of (feeds.x!.data as Float32Array).entries()) data[at] = 2 * value
    return { latent: { dtype: 'float32', dims: [1, 3, 1, 1], data } } as const
  }

  async dispose() {}
}

function bench() {
  const session = new DoublingHead()
  const head = new ModelRunner(async () => session, 'head', shape.dims, 'latent')
  const work: TensorWork = {
    ...{ clock: { now: () => 0, setTimeout: () => 0, clearTimeout: () => {} }, shape, head },
    ...{ normaliser: new Normaliser(shape), pool: new TensorPool(shape.count), times: new StageTimes() },
    // Frames here are tensors.
    images: undefined as never,
  }
  const frame = (...values: number[]) => new FrameTensors(work, Float32Array.from(values), new StageLog())
  return { session, frame }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))
const read = (latent: Float32Array) => [...latent]

describe('the latent of a frame', () => {
  it('is made once for all who read it', async () => {
    const { session, frame } = bench()
    const tensors = frame(1, 2, 3)
    const both = Promise.all([tensors.withLatent('head', read), tensors.withLatent('head', read)])
    expect(await both).toEqual([
      [2, 4, 6],
      [2, 4, 6],
    ])
    expect(session.spares).toEqual([0])
  })

  it('lies in the memory of the one before, when that frame is over', async () => {
    const { session, frame } = bench()
    const [first, second, third] = [frame(1, 1, 1), frame(2, 2, 2), frame(3, 3, 3)]
    await first.withLatent('head', read)
    expect(await second.withLatent('head', read)).toEqual([4, 4, 4])
    first.end()
    second.end()
    await settled()
    expect(await third.withLatent('head', read)).toEqual([6, 6, 6])
    expect(session.spares).toEqual([0, 0, 2])
  })

  it('stays its own while somebody still reads it, though the frame is over', async () => {
    const { session, frame } = bench()
    const [slow, next, last] = [frame(1, 1, 1), frame(2, 2, 2), frame(3, 3, 3)]
    let goOn = () => {}
    const waiting = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const reading = slow.withLatent('head', async (latent) => {
      await waiting
      return read(latent)
    })
    await settled()
    slow.end()
    await settled()
    await next.withLatent('head', read)
    goOn()
    expect(await reading).toEqual([2, 2, 2])
    await settled()
    await last.withLatent('head', read)
    expect(session.spares).toEqual([0, 0, 1])
  })

  it('is given back once, however often the frame is ended', async () => {
    const { session, frame } = bench()
    const tensors = frame(1, 1, 1)
    await tensors.withLatent('head', read)
    tensors.end()
    tensors.end()
    await settled()
    await frame(2, 2, 2).withLatent('head', read)
    expect(session.spares).toEqual([0, 1])
  })
})
