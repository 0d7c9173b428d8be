import { IsthmusError } from '@isthmus/proto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { onnx } from '#onnx-schema'
import { float, GraphBuilder } from './builder.ts'
import { cut } from './cut.ts'
import { cutPoints } from './cut-points.ts'
import { fixtureGraphs } from './fixtures.ts'
import type { Model } from './graph.ts'
import { inspectModel } from './inspect.ts'
import { readModel } from './read.ts'
import { float32Tensor, float32Values, int64Tensor, integerValues } from './tensor.ts'
import { writeModel } from './write.ts'

/** A model that holds one initialiser, as the file stores it. */
const holding = (tensor: onnx.ITensorProto): Uint8Array =>
  onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: { name: 'g', initializer: [{ name: 'w', ...tensor }] },
  }).finish()

const weight = (tensor: onnx.ITensorProto) => readModel(holding(tensor)).graph.initializers.get('w')!

const codeOf = (bytes: Uint8Array): string => {
  try {
    readModel(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(IsthmusError)
    return (error as IsthmusError).code
  }
  return 'read'
}

/** As plain data: bytes as lists, floats as the 32 bits that the file keeps. */
const plain = (model: Model): unknown =>
  JSON.parse(
    JSON.stringify(model, (_, value) => {
      if (value instanceof Map) return [...value]
      if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array)
      return typeof value === 'number' && !Number.isInteger(value) ? Math.fround(value) : value
    }),
  )

describe('read(write(model))', () => {
  it.each(fixtureGraphs().filter(({ name }) => !/listed|unsorted/.test(name)))(
    'gives fixture $name back',
    ({ model }) => {
      expect(plain(readModel(writeModel(model)))).toEqual(plain(model))
    },
  )

  it('keeps attributes of all kinds, strings, metadata, functions and stated shapes', () => {
    const g = new GraphBuilder('attributes')
    const x = g.input('x', 'float16', ['N', null, 3])
    const inner = new GraphBuilder('inner')
    inner.output(inner.op('Identity', [x], {}, 'y'))
    g.ops(
      'Everything',
      [x, '', x],
      {
        int: -(2 ** 40),
        float: float(0.5),
        string: 'höhe',
        ints: [1, -2, 3],
        floats: { type: 'floats', value: [0.25, -1.5] },
        strings: { type: 'strings', value: ['a', ''] },
        tensor: float32Tensor([1, 2, 3, 4], [2, 2]),
        graph: { type: 'graph', value: inner.build().graph },
        empty: [],
        zero: 0,
      },
      ['', 'out'],
    )
    g.constant(
      {
        dtype: 'string',
        dims: [2],
        bytes: new Uint8Array(0),
        strings: [Uint8Array.of(65), new Uint8Array(0)],
      },
      's',
    )
    g.constant({ dtype: 'bool', dims: [3], bytes: Uint8Array.of(1, 0, 1) }, 'b')
    g.constant(int64Tensor([], [0]), 'none')
    g.value({ name: 'out', dtype: 'int8', dims: [1, 'K', null] })
    g.output('out', 'out', 'int8')
    const built = g.build()
    const model = {
      ...built,
      metadata: { author: 'me', __proto: '' },
      functions: [Uint8Array.of(10, 1, 70)],
      opsets: { '': 17, 'my.ops': 2 },
    }
    expect(plain(readModel(writeModel(model)))).toEqual(plain(model))
  })

  it('keeps strings that are no text byte for byte, marks at their start, and which function a node means', () => {
    const strings = [Uint8Array.of(0xff, 0, 0xfe), Uint8Array.of(0xef, 0xbb, 0xbf, 65), new Uint8Array(0)]
    const attribute = strings.map((s, i) => ({ name: `s${i}`, type: 3, s }))
    const node = [{ opType: 'Fn', domain: 'my.ops', overload: 'second', output: ['y'], attribute }]
    const file = (graph: onnx.IGraphProto) =>
      onnx.ModelProto.encode({ opsetImport: [{ version: 17 }], graph }).finish()
    const [again] = onnx.ModelProto.decode(writeModel(readModel(file({ node })))).graph!.node!
    expect(again!.overload).toBe('second')
    expect(again!.attribute!.map(({ s }) => Array.from(s ?? []))).toEqual(strings.map((s) => Array.from(s)))
    const list = [{ opType: 'Fn', output: ['y'], attribute: [{ name: 'list', type: 8, strings }] }]
    expect(() => readModel(file({ node: list }))).toThrow(/Fn.*"list".*no UTF-8/)
  })

  it('keeps signatures of subgraphs that state no type, or not that of a tensor', () => {
    const output = (name: string, type?: onnx.ITypeProto): onnx.IValueInfoProto => ({
      name,
      ...(type && { type }),
    })
    const branch = { output: [output('untyped'), output('sequence', { sequenceType: Uint8Array.of(10, 0) })] }
    const file = (outputs: onnx.IValueInfoProto[]) =>
      onnx.ModelProto.encode({
        opsetImport: [{ version: 17 }],
        graph: {
          node: [{ opType: 'If', output: ['y'], attribute: [{ name: 'then_branch', type: 5, g: branch }] }],
          valueInfo: [output('complex', { tensorType: { elemType: 14 } })],
          output: outputs,
        },
      }).finish()
    const again = onnx.ModelProto.decode(writeModel(readModel(file([]))))
    const { output: kept } = again.graph!.node![0]!.attribute![0]!.g!
    expect(kept!.map(({ name }) => name)).toEqual(['untyped', 'sequence'])
    expect(kept![0]!.type?.tensorType).toBeFalsy()
    expect(Array.from(kept![1]!.type!.sequenceType!)).toEqual([10, 0])
    expect(() => readModel(file([output('y')]))).toThrow(/"y" is not a tensor/)
  })

  it('takes out initialisers that are listed among the inputs, and sorts the nodes', () => {
    const read = (name: string) =>
      readModel(writeModel(fixtureGraphs().find((fixture) => fixture.name === name)!.model)).graph
    expect(read('listed-initializers').inputs.map((input) => input.name)).toEqual(['x'])
    const made = new Set<string>(read('unsorted').initializers.keys())
    made.add('x')
    for (const node of read('unsorted').nodes) {
      for (const name of node.inputs) expect(made).toContain(name)
      for (const name of node.outputs) made.add(name)
    }
  })

  it('leaves weights where they are in the file', () => {
    const bytes = writeModel(fixtureGraphs()[0]!.model)
    for (const tensor of readModel(bytes).graph.initializers.values()) {
      expect(tensor.bytes.buffer).toBe(bytes.buffer)
    }
  })

  it('reads weights at any alignment, from a Buffer too', () => {
    const bytes = writeModel(fixtureGraphs()[0]!.model)
    for (let shift = 0; shift < 8; shift++) {
      const moved = Buffer.alloc(bytes.length + shift)
      moved.set(bytes, shift)
      const [name, tensor] = [...readModel(moved.subarray(shift)).graph.initializers][0]!
      const expected = fixtureGraphs()[0]!.model.graph.initializers.get(name)!
      expect(float32Values(tensor)).toEqual(float32Values(expected))
    }
  })
})

describe('tensors stored as lists of numbers', () => {
  const bits = (array: ArrayBufferView) => new Uint8Array(array.buffer)

  it.each([
    ['float32', { dataType: 1, floatData: [1.5, -2] }, Float32Array.of(1.5, -2)],
    ['uint8', { dataType: 2, int32Data: [0, 255] }, Uint8Array.of(0, 255)],
    ['int8', { dataType: 3, int32Data: [-1, 127] }, Int8Array.of(-1, 127)],
    ['uint16', { dataType: 4, int32Data: [1, 65535] }, Uint16Array.of(1, 65535)],
    ['int16', { dataType: 5, int32Data: [-2, 3] }, Int16Array.of(-2, 3)],
    ['int32', { dataType: 6, int32Data: [-2, 3] }, Int32Array.of(-2, 3)],
    ['bool', { dataType: 9, int32Data: [1, 0] }, Uint8Array.of(1, 0)],
    ['float16', { dataType: 10, int32Data: [0x3c00, 0xc000] }, Uint16Array.of(0x3c00, 0xc000)],
    ['bfloat16', { dataType: 16, int32Data: [0x3f80, 0] }, Uint16Array.of(0x3f80, 0)],
    ['float64', { dataType: 11, doubleData: [0.1, 2] }, Float64Array.of(0.1, 2)],
    ['uint32', { dataType: 12, uint64Data: [1, 4294967295] }, Uint32Array.of(1, 4294967295)],
    ['int64', { dataType: 7, int64Data: [-1, 2 ** 40] }, BigInt64Array.of(-1n, 2n ** 40n)],
    ['uint64', { dataType: 13, uint64Data: [1, 2 ** 40] }, BigUint64Array.of(1n, 2n ** 40n)],
  ])('%s', (dtype, tensor, expected) => {
    const read = weight({ dims: [2], ...tensor })
    expect(read.dtype).toBe(dtype)
    expect(new Uint8Array(read.bytes)).toEqual(bits(expected))
  })

  it('keeps all 64 bits', () => {
    const raw = weight({ dims: [1], dataType: 7, rawData: bits(BigInt64Array.of(2n ** 63n - 1n)) })
    expect(integerValues(raw)[0]).toBeGreaterThan(2 ** 62)
    // 2^63-1 as protobuf's varint, in field int64_data.
    const tensor = onnx.TensorProto.encode({ name: 'w', dims: [1], dataType: 7 }).finish()
    const varint = [0x3a, 9, 255, 255, 255, 255, 255, 255, 255, 255, 127]
    const graph = [0x2a, tensor.length + varint.length, ...tensor, ...varint]
    const model = Uint8Array.of(
      ...holding({ dataType: 1, dims: [0] }).subarray(0, 0),
      0x3a,
      graph.length,
      ...graph,
      0x42,
      2,
      0x10,
      17,
    )
    expect(readModel(model).graph.initializers.get('w')!.bytes).toEqual(
      bits(BigInt64Array.of(2n ** 63n - 1n)),
    )
  })
})

describe('what is not a model', () => {
  it('is refused with the tensor that is at fault', () => {
    expect(() => weight({ dims: [3], dataType: 1, floatData: [1, 2] })).toThrow(
      /"w" has 8 bytes.*\[3\] needs 12/,
    )
    expect(() => weight({ dims: [-1], dataType: 1 })).toThrow(/impossible shape/)
    expect(() => weight({ dims: [2 ** 40, 2 ** 40], dataType: 1 })).toThrow(/impossible shape/)
    expect(() => weight({ dims: [1], dataType: 99 })).toThrow(/"w" has element type 99/)
    expect(() => weight({ dims: [2], dataType: 8, stringData: [] })).toThrow(/0 strings/)
    expect(() => weight({ dims: [2], dataType: 1, dataLocation: 1 })).toThrow(
      /another file, which is not named/,
    )
    const externalData = [
      { key: 'location', value: 'w.bin' },
      { key: 'offset', value: '-4' },
    ]
    expect(() => weight({ dims: [2], dataType: 1, dataLocation: 1, externalData })).toThrow(
      /impossible place/,
    )
  })

  it('names a value made twice and a circle', () => {
    const model = (...nodes: onnx.INodeProto[]) =>
      onnx.ModelProto.encode({ opsetImport: [{ version: 17 }], graph: { node: nodes } }).finish()
    const relu = (from: string, to: string) => ({ opType: 'Relu', input: [from], output: [to] })
    expect(() => readModel(model(relu('x', 'y'), relu('z', 'y')))).toThrow(/"y" is made by two nodes/)
    expect(() => readModel(model(relu('a', 'b'), relu('b', 'a')))).toThrow(/depends on its own result/)
    expect(() => readModel(model(relu('a', 'a')))).toThrow(/depends on its own result/)
  })

  it('is refused when it is empty, truncated, or nested without end', () => {
    expect(codeOf(new Uint8Array(0))).toBe('MODEL_UNREADABLE')
    // The writer's own limit is lifted by nesting bytes by hand: each layer wraps the one before.
    let bytes = onnx.GraphProto.encode({ name: 'leaf' }).finish()
    for (let depth = 0; depth < 5000; depth++) {
      const attribute = onnx.AttributeProto.encode({ name: 'b', type: 5 }).finish()
      const wrap = (field: number, inner: Uint8Array) => {
        const length: number[] = []
        for (let n = inner.length; ; n >>>= 7) {
          if (n < 128) {
            length.push(n)
            break
          }
          length.push((n & 127) | 128)
        }
        return Buffer.concat([Uint8Array.of((field << 3) | 2, ...length), inner])
      }
      bytes = wrap(1, wrap(5, Buffer.concat([attribute, wrap(6, bytes)])))
      if (bytes.length > 200_000) break
    }
    const length = [(bytes.length & 127) | 128, ((bytes.length >> 7) & 127) | 128, bytes.length >> 14]
    expect(
      codeOf(Buffer.concat([Uint8Array.of(0x3a, ...length), bytes, Uint8Array.of(0x42, 2, 0x10, 17)])),
    ).toBe('MODEL_UNREADABLE')
  })

  it('throws nothing but typed errors, whatever the bytes are, in reading, inspecting and cutting', () => {
    const models = fixtureGraphs()
      .slice(0, 12)
      .map(({ model }) => writeModel(model))
    const damaged = fc
      .record({
        model: fc.constantFrom(...models),
        end: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.double({ min: 0, max: 1, noNaN: true })),
        flips: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 6 }),
      })
      .map(({ model, end, flips }) => {
        const bytes = model.slice(0, Math.ceil(end * model.length))
        for (const [at, value] of flips) bytes[Math.floor(at * bytes.length)] = value
        return bytes
      })
    let inspected = 0
    const typedErrorsOnly = (bytes: Uint8Array) => {
      try {
        const model = readModel(bytes)
        inspectModel(model)
        for (const { tensor } of cutPoints(model.graph).slice(0, 3)) writeModel(cut(model, tensor).tail)
        inspected++
      } catch (error) {
        if (!(error instanceof IsthmusError)) throw error
      }
    }
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 300 }), { weight: 5, arbitrary: damaged })
    fc.assert(fc.property(bytes, typedErrorsOnly), { numRuns: 1500, seed: 3 })
    expect(inspected).toBeGreaterThan(100)
  })
})
