import { afterEach, describe, expect, it } from 'vitest'
import { float32Tensor, GraphBuilder, writeModel } from '../onnx/index.ts'
import { type DType, openSession, openWorkerSession, type Session, type Tensor } from './index.ts'
import { openWebSession } from './web.ts'

const float = (data: readonly number[], dims: readonly number[] = [data.length]): Tensor<'float32'> => ({
  dtype: 'float32',
  dims,
  data: Float32Array.from(data),
})

/** y = max(x·W + b, 0), sum = Σy per row; x [N, 3], y [N, 2]. */
const dense = (() => {
  const g = new GraphBuilder('dense')
  const x = g.input('x', 'float32', ['N', 3])
  const w = g.constant(float32Tensor([1, 0, 0, 1, 1, -1], [3, 2]))
  const b = g.constant(float32Tensor([0.5, -0.5], [2]))
  const y = g.output(g.op('Relu', [g.op('Add', [g.op('MatMul', [x, w]), b])]), 'y', 'float32', ['N', 2])
  g.output(g.op('ReduceSum', [y, g.ints([1])], { keepdims: 0 }), 'sum', 'float32', ['N'])
  return writeModel(g.build())
})()

const identity = (dtype: DType, dims: (number | string)[]): Uint8Array => {
  const g = new GraphBuilder('identity')
  g.output(g.op('Identity', [g.input('x', dtype, dims)]), 'y', dtype, dims)
  return writeModel(g.build())
}

/** Fails while running, not while loading, when an index is out of range. */
const gather = (() => {
  const g = new GraphBuilder('gather')
  const x = g.input('x', 'float32', ['N'])
  g.output(g.op('Gather', [x, g.input('index', 'int64', [1])]), 'y', 'float32', [1])
  return writeModel(g.build())
})()

const index = (i: number): Tensor<'int64'> => ({
  dtype: 'int64',
  dims: [1],
  data: BigInt64Array.of(BigInt(i)),
})

const everyDType: Tensor[] = [
  float([1.5, -2, 0]),
  { dtype: 'float64', dims: [2], data: Float64Array.of(Math.PI, -0) },
  { dtype: 'float16', dims: [3], data: Uint16Array.of(0x3c00, 0xc000, 0x7bff) },
  { dtype: 'int8', dims: [2], data: Int8Array.of(-128, 127) },
  { dtype: 'uint8', dims: [2], data: Uint8Array.of(0, 255) },
  { dtype: 'int16', dims: [1], data: Int16Array.of(-32768) },
  { dtype: 'uint16', dims: [1], data: Uint16Array.of(65535) },
  { dtype: 'int32', dims: [1], data: Int32Array.of(-5) },
  { dtype: 'uint32', dims: [1], data: Uint32Array.of(4294967295) },
  { dtype: 'int64', dims: [2], data: BigInt64Array.of(-(2n ** 60n), 7n) },
  { dtype: 'uint64', dims: [1], data: BigUint64Array.of(2n ** 63n) },
  { dtype: 'bool', dims: [2], data: Uint8Array.of(1, 0) },
]

describe.each([
  { name: 'on this thread', open: openSession },
  { name: 'in a worker thread', open: openWorkerSession },
  { name: 'in WebAssembly', open: openWebSession },
])('a session $name', ({ open }) => {
  const opened: Session[] = []
  const openHere = async (...args: Parameters<typeof open>): Promise<Session> => {
    const session = await open(...args)
    opened.push(session)
    return session
  }
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((session) => session.dispose()))
  })

  it('tells what the model takes and gives', async () => {
    const session = await openHere(dense)
    expect(session.inputs).toEqual([{ name: 'x', dtype: 'float32', dims: ['N', 3] }])
    expect(session.outputs).toEqual([
      { name: 'y', dtype: 'float32', dims: ['N', 2] },
      { name: 'sum', dtype: 'float32', dims: ['N'] },
    ])
  })

  it('computes every output, for any size of a free dimension', async () => {
    const session = await openHere(dense)
    const one = await session.run({ x: float([1, 2, 3], [1, 3]) })
    expect(one).toEqual({ y: float([4.5, 0], [1, 2]), sum: float([4.5]) })
    const two = await session.run({ x: float([1, 2, 3, 0, 4, 1], [2, 3]) })
    expect(two).toEqual({ y: float([4.5, 0, 1.5, 2.5], [2, 2]), sum: float([4.5, 4]) })
  })

  it('gives the same results with spare buffers, of whatever size, which are its own from then on', async () => {
    const session = await openHere(dense)
    const x = float([1, 2, 3, 0, 4, 1], [2, 3])
    const results = { y: float([4.5, 0, 1.5, 2.5], [2, 2]), sum: float([4.5, 4]) }
    const sizes = [[16], [8, 16], [16, 16, 8, 8], [4], [0, 17]]
    for (const sizesOfRun of sizes) {
      const spare = sizesOfRun.map((bytes) => new ArrayBuffer(bytes))
      for (const buffer of spare) new Uint8Array(buffer).fill(255)
      expect(await session.run({ x }, spare)).toEqual(results)
    }
    const first = await session.run({ x })
    const second = await session.run({ x: float([0, 0, 0], [1, 3]) }, [first.y!.data.buffer as ArrayBuffer])
    expect(second.sum).toEqual(float([0.5]))
  })

  it.each(everyDType)('carries $dtype unchanged', async (x) => {
    const session = await openHere(identity(x.dtype, ['N']))
    expect((await session.run({ x })).y).toEqual(x)
  })

  it('carries scalars and empty tensors', async () => {
    const scalar = await openHere(identity('float32', []))
    expect((await scalar.run({ x: float([7], []) })).y).toEqual(float([7], []))
    const vector = await openHere(identity('float32', ['N']))
    expect((await vector.run({ x: float([]) })).y).toEqual(float([]))
  })

  it('reads feeds from shared memory and from views into larger buffers', async () => {
    const session = await openHere(identity('float32', [2]))
    const shared = new Float32Array(new SharedArrayBuffer(8))
    shared.set([3, 4])
    expect((await session.run({ x: { dtype: 'float32', dims: [2], data: shared } })).y).toEqual(float([3, 4]))
    const view = Float32Array.of(1, 2, 3, 4).subarray(1, 3)
    expect((await session.run({ x: { dtype: 'float32', dims: [2], data: view } })).y).toEqual(float([2, 3]))
    const bytes = await openHere(identity('uint8', [3]))
    const x = { dtype: 'uint8', dims: [3], data: Buffer.from('abc') } as const
    expect([...(await bytes.run({ x })).y!.data]).toEqual([97, 98, 99])
  })

  it('leaves the feeds to the caller, and its results are not overwritten by later runs', async () => {
    const session = await openHere(dense)
    const x = float([1, 2, 3], [1, 3])
    const first = await session.run({ x })
    expect(x).toEqual(float([1, 2, 3], [1, 3]))
    x.data[0] = 10
    await session.run({ x })
    expect(first.y).toEqual(float([4.5, 0], [1, 2]))
  })

  it('answers runs that were asked for together, each with its own result, first in, first out', async () => {
    const session = await openHere(identity('float32', [1]))
    const order: number[] = []
    const ask = async (i: number): Promise<number> => {
      const { y } = await session.run({ x: float([i]) })
      order.push(i)
      return Number(y?.data[0])
    }
    const asked = Array.from({ length: 20 }, (_, i) => i)
    expect(await Promise.all(asked.map(ask))).toEqual(asked)
    expect(order).toEqual(asked)
  })

  it.each<[string, Record<string, Tensor>, RegExp]>([
    ['a missing input', {}, /'x' is missing/],
    ['an unknown input', { x: float([1, 2, 3], [1, 3]), z: float([1]) }, /no input 'z'; it has: x/],
    [
      'another element type',
      { x: { dtype: 'int32', dims: [1, 3], data: new Int32Array(3) } },
      /'x' must be float32/,
    ],
    [
      'another array type',
      { x: { dtype: 'float32', dims: [1, 3], data: new Float64Array(3) } },
      /Float32Array/,
    ],
    ['another rank', { x: float([1, 2, 3]) }, /'x' must have dims \[N, 3\], got \[3\]/],
    ['another fixed dimension', { x: float([1, 2], [1, 2]) }, /'x' must have dims \[N, 3\], got \[1, 2\]/],
    [
      'too few elements',
      { x: float([1, 2], [1, 3]) },
      /'x' has dims \[1, 3\] = 3 elements, but its data holds 2/,
    ],
    ['a negative dimension', { x: float([], [-1, 3]) }, /'x' has dims that are not whole/],
    [
      'more elements than can be counted',
      { x: float([], [2 ** 40, 2 ** 40, 3]) },
      /'x' has dims that are not whole/,
    ],
  ])('refuses %s before the model runs', async (_, feeds, message) => {
    const session = await openHere(dense)
    await expect(session.run(feeds)).rejects.toMatchObject({
      name: 'IsthmusError',
      code: 'BAD_FEED',
      message: expect.stringMatching(message),
    })
  })

  it('stays usable after a run that failed', async () => {
    const session = await openHere(gather)
    const x = float([5, 6])
    const failing = session.run({ x, index: index(9) })
    const following = session.run({ x, index: index(1) })
    await expect(failing).rejects.toMatchObject({
      name: 'IsthmusError',
      code: 'RUN_FAILED',
      retryable: false,
    })
    expect((await following).y).toEqual(float([6]))
  })

  it.each([
    ['garbage', Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 251)],
    ['no bytes', new Uint8Array(0)],
    ['a truncated model', dense.subarray(0, dense.length - 9)],
    ['a model of strings', stringModel()],
  ])('refuses %s', async (_, model) => {
    await expect(open(model)).rejects.toMatchObject({ name: 'IsthmusError', code: 'MODEL_UNREADABLE' })
  })

  it('refuses a file that is not there, and names it', async () => {
    await expect(open('/nowhere/missing.onnx')).rejects.toMatchObject({
      code: 'MODEL_UNREADABLE',
      message: expect.stringContaining('/nowhere/missing.onnx'),
    })
  })

  it.each([0, -1, 1.5, Number.NaN, 1000])('refuses %s threads', async (intraOpThreads) => {
    await expect(open(dense, { intraOpThreads })).rejects.toMatchObject({ code: 'BAD_OPTION' })
  })

  it('computes the same with two threads, spinning, and no graph optimization', async () => {
    const session = await openHere(dense, {
      intraOpThreads: 2,
      spinning: true,
      graphOptimization: 'disabled',
    })
    expect((await session.run({ x: float([1, 2, 3], [1, 3]) })).y).toEqual(float([4.5, 0], [1, 2]))
  })

  it('finishes the runs that were asked for before it was disposed of, and refuses later ones', async () => {
    const session = await open(dense)
    const x = float([1, 2, 3], [1, 3])
    const runs = [session.run({ x }), session.run({ x })]
    const disposed = session.dispose()
    await expect(session.run({ x })).rejects.toMatchObject({ code: 'SESSION_CLOSED' })
    for (const { sum } of await Promise.all(runs)) expect(sum).toEqual(float([4.5]))
    await disposed
    await session.dispose()
    await expect(session.run({ x })).rejects.toMatchObject({ code: 'SESSION_CLOSED' })
  })

  it('leaves the bytes of the model to the caller', async () => {
    const model = dense.slice()
    await openHere(model)
    expect(model).toEqual(dense)
  })
})

/** Identity over strings, written byte by byte, since Isthmus itself has no such type. */
function stringModel(): Uint8Array {
  const text = (field: number, value: string) => block(field, [...Buffer.from(value)])
  const block = (field: number, bytes: number[]) => [(field << 3) | 2, bytes.length, ...bytes]
  const number = (field: number, value: number) => [field << 3, value]
  const value = (name: string) => [
    ...text(1, name),
    ...block(2, block(1, [...number(1, 8), ...block(2, block(1, number(1, 1)))])),
  ]
  const node = [...text(1, 'x'), ...text(2, 'y'), ...text(4, 'Identity')]
  const graph = [...block(1, node), ...text(2, 'g'), ...block(11, value('x')), ...block(12, value('y'))]
  return Uint8Array.from([...number(1, 8), ...block(8, number(2, 17)), ...block(7, graph)])
}
