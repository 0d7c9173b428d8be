import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { float32Tensor, GraphBuilder, writeModel } from '../onnx/index.ts'
import { openSession } from '../runtime/node.ts'
import {
  joinRows,
  type PipelineDraft,
  parsePipeline,
  rowsOf,
  type StageArray,
  StageModel,
  tensorOfRows,
} from './index.ts'
import { writePipeline } from './seal.ts'

/** Each of `rows` images of 8 × 8 to 5 numbers: a convolution, and a matrix product. */
function classifier(
  rows: number | string = 'N',
  finish?: (g: GraphBuilder, y: string) => string,
): Uint8Array {
  const g = new GraphBuilder('classifier')
  const numbers = (dims: number[], seed: number) =>
    g.constant(
      float32Tensor(
        Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, at) => Math.sin(seed + 1.3 * at)),
        dims,
      ),
    )
  const x = g.input('x', 'float32', [rows, 3, 8, 8])
  const features = g.op('Relu', [g.op('Conv', [x, numbers([4, 3, 3, 3], 1)], { pads: [1, 1, 1, 1] })])
  const flat = g.op('Flatten', [features], { axis: 1 })
  const y = g.op('MatMul', [flat, numbers([256, 5], 2)])
  g.output(finish?.(g, y) ?? g.op('Identity', [y]), 'y')
  return writeModel(g.build())
}

/** Two whole numbers a row, made into something by way of a table of so many entries. */
function tokens(
  dtype: 'int32' | 'int64',
  entries: number,
  finish: (g: GraphBuilder, x: string, table: string) => string,
): Uint8Array {
  const g = new GraphBuilder('tokens')
  const values = Float32Array.from({ length: 3 * entries }, (_, at) => Math.sin(at))
  g.output(finish(g, g.input('x', dtype, ['N', 2]), g.constant(float32Tensor(values, [entries, 3]))), 'y')
  return writeModel(g.build())
}

const draft = (changes: object = {}, rows = 6): PipelineDraft => ({
  name: 'crops',
  version: '1.0.0',
  inputs: { crops: { dims: [rows, 3, 8, 8] } },
  stages: [
    { id: 'classify', model: 'c.onnx', inputs: { x: 'input.crops' }, macs: 1, divisible: true, ...changes },
  ],
  outputs: { labels: 'classify.y' },
})

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'isthmus-divisible-'))
})
afterAll(() => rmSync(root, { recursive: true }))
const sealed = (model: Uint8Array, form: PipelineDraft = draft()) =>
  writePipeline(mkdtempSync(join(root, 'p-')), form, { 'c.onnx': model })
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'fine',
    (error) => `${error.code}: ${error.message}`,
  )

describe('a stage that is divisible', () => {
  it('is tried when it is sealed: its parts give bit for bit what the whole gives', async () => {
    const { manifest, wiring } = await sealed(classifier())
    const { division } = wiring.stages[0]!
    expect(division).toEqual({ rows: 6, leastRows: manifest.stages[0]!.leastRows })
    const model = new StageModel(await openSession(classifier()), wiring, 0)
    const [crops, labels] = wiring.tensors as [(typeof wiring.tensors)[0], (typeof wiring.tensors)[0]]
    const input = Float32Array.from({ length: crops.count }, (_, at) => Math.cos(at * at))
    const run = async (from: number, to: number) =>
      (await model.run(() => rowsOf(input, crops, from, to), to - from))[0]!
    const [whole] = await model.run(() => input)
    const { rows, leastRows } = division!
    for (let first = leastRows; first <= rows - leastRows; first++) {
      expect(joinRows(await run(0, first), await run(first, rows))).toEqual(whole)
      expect(rowsOf(whole as StageArray, labels, 0, first)).toEqual(await run(0, first))
    }
    expect(tensorOfRows(labels, 2)).toMatchObject({ dims: [2, 5], count: 10 })
    expect(tensorOfRows(labels, 0)).toBe(labels)
    await model.dispose()
  })

  it.each<[string, Uint8Array, PipelineDraft, RegExp]>([
    [
      'rows that depend on each other',
      classifier('N', (g, y) => g.op('Softmax', [y], { axis: 0 })),
      draft(),
      /^BAD_PIPELINE: Stage 'classify' is not divisible: parts of its rows do not come out/,
    ],
    ['a model of so many rows only', classifier(6), draft(), /^BAD_PIPELINE: .*takes 6 rows, but not 1/],
    [
      'an output with other rows',
      classifier('N', (g, y) => g.op('ReduceSum', [y, g.ints([0])], { keepdims: 1 })),
      draft(),
      /^BAD_PIPELINE: .*'classify\.y' has 1 rows, 'input\.crops' 6/,
    ],
    ['a single row', classifier(), draft({}, 1), /^BAD_PIPELINE: .*have 1 rows; 2 to 256/],
    [
      'a stage for servers only',
      classifier(),
      draft({ serverOnly: true }),
      /^BAD_PIPELINE: .*for servers only/,
    ],
    [
      'a tensor that is coded',
      classifier(),
      { ...draft(), coded: ['input.crops'] },
      /^BAD_PIPELINE: .*'input\.crops' is coded/,
    ],
  ])('is refused with %s', async (_, model, form, reason) => {
    expect(await refusal(sealed(model, form))).toMatch(reason)
  })

  it.each(['int32', 'int64'] as const)(
    'is refused with rows of %s that depend on each other',
    async (dtype) => {
      const form: PipelineDraft = { ...draft({ macs: 1 }), inputs: { crops: { dtype, dims: [6, 2] } } }
      const lessMean = tokens(dtype, 1, (g, x) => {
        const values = g.op('Cast', [x], { to: 1 })
        return g.op('Sub', [values, g.op('ReduceMean', [values], { axes: [0], keepdims: 1 })])
      })
      expect(await refusal(sealed(lessMean, form))).toMatch(
        /^BAD_PIPELINE: .*not divisible: parts of its rows/,
      )
      for (const entries of [5, 1]) {
        const lookup = tokens(dtype, entries, (g, x, table) => g.op('Gather', [table, x]))
        expect(await refusal(sealed(lookup, form))).toBe('fine')
      }
    },
  )

  it('is sealed anew when its model has changed, whatever the file says', async () => {
    const { manifest } = await sealed(classifier(), draft({ leastRows: 3 }))
    expect(manifest.stages[0]!.leastRows).toBeLessThan(3)
    const unsealed = { ...manifest, stages: [{ ...manifest.stages[0]!, leastRows: undefined }] }
    expect(() => parsePipeline(JSON.parse(JSON.stringify(unsealed)))).toThrow(
      expect.objectContaining({ code: 'PIPELINE_NOT_SEALED' }),
    )
    const wrong = { ...manifest, stages: [{ ...manifest.stages[0]!, leastRows: 4 }] }
    expect(() => parsePipeline(wrong)).toThrow(/two parts of 4 rows are more than 6/)
  })
})
