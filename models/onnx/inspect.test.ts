import { describe, expect, it } from 'vitest'
import { GraphBuilder } from './builder.ts'
import { fixtureGraphs } from './fixtures.ts'
import { type CutCost, inspectModel, sensibleCuts } from './inspect.ts'
import { float32Tensor, int64Tensor } from './tensor.ts'

const zeros = (...dims: number[]) => float32Tensor(new Float32Array(dims.reduce((a, b) => a * b, 1)), dims)

describe('counting', () => {
  it('counts multiply-adds and parameters by hand', () => {
    const g = new GraphBuilder('count')
    const x = g.input('x', 'float32', ['N', 4, 8, 8])
    const a = g.op('Conv', [x, g.constant(zeros(6, 2, 3, 3)), g.constant(zeros(6))], { group: 2 })
    const b = g.op('ConvTranspose', [a, g.constant(zeros(6, 5, 2, 2))], { strides: [2, 2] })
    const bn = [zeros(5), zeros(5), zeros(5), zeros(5)].map((tensor) => g.constant(tensor))
    const c = g.op('GlobalAveragePool', [g.op('BatchNormalization', [b, ...bn])])
    const d = g.op('Reshape', [c, g.constant(int64Tensor([0, -1]))])
    const e = g.op('Gemm', [d, g.constant(zeros(7, 5))], { transB: 1 })
    g.output(g.op('MatMul', [g.op('Mul', [e, g.scalar(2)]), g.constant(zeros(7, 3))]), 'y')
    const report = inspectModel(g.build())
    const conv = 6 * 6 * 6 * (2 * 9)
    const transposed = 6 * 6 * 6 * (5 * 4)
    expect(report.macs).toBe(conv + transposed + 7 * 5 + 3 * 7)
    expect(report.parameters).toBe(6 * 2 * 9 + 6 + 6 * 5 * 4 + 4 * 5 + 7 * 5 + 7 * 3)
    expect(report.notes).toEqual([])
    expect(report.cuts.find((cut) => cut.tensor === a)).toEqual({
      tensor: a,
      op: 'Conv',
      dtype: 'float32',
      dims: [1, 6, 6, 6],
      headMacs: conv,
      headShare: conv / report.macs,
      rawBytes: 864,
      uint8Bytes: 216,
    })
  })

  it('counts per frame for the shape that is given', () => {
    const g = new GraphBuilder('free')
    const x = g.input('x', 'float32', ['N', 3, 'H', 'W'])
    g.output(g.op('Conv', [x, g.constant(zeros(2, 3, 1, 1))]), 'y')
    expect(() => inspectModel(g.build())).toThrow(/Give the shape of input "x".*\[N,3,H,W\]/)
    expect(inspectModel(g.build(), { x: [2, 3, 4, 5] }).macs).toBe(2 * 2 * 20 * 3)
  })

  it('lists operators with the most frequent first', () => {
    const towers = fixtureGraphs().find(({ name }) => name === 'towers')!
    const { operators } = inspectModel(towers.model)
    expect(operators.slice(0, 2)).toEqual([
      { op: 'Conv', count: 6 },
      { op: 'Relu', count: 6 },
    ])
  })

  it('says what it could not count', () => {
    const branches = fixtureGraphs().find(({ name }) => name === 'capturing-branches')!
    expect(inspectModel(branches.model).notes.join()).toMatch(/branches of If/)
    const g = new GraphBuilder('unknown')
    const x = g.op('Einsum', [g.input('x', 'float32', [2, 2])], { equation: 'ij->ji' })
    g.output(g.op('MatMul', [x, g.constant(zeros(2, 2))]), 'y')
    const { notes, macs } = inspectModel(g.build())
    expect(notes.join(' ')).toMatch(/operator Einsum.*1 nodes are not counted/)
    expect(macs).toBe(0)
  })
})

describe('sensible cuts', () => {
  const cut = (tensor: string, rawBytes: number, headMacs: number): CutCost => ({
    tensor,
    rawBytes,
    headMacs,
    op: 'Relu',
    dtype: 'float32',
    dims: [rawBytes / 4],
    headShare: 0,
    uint8Bytes: rawBytes / 4,
  })

  it('are smaller than all before them, after the activation where that costs nothing', () => {
    const all = [
      cut('conv1', 80, 10),
      cut('relu1', 80, 10),
      cut('conv2', 120, 20),
      cut('conv3', 80, 30),
      cut('conv4', 40, 40),
      cut('relu4', 40, 40),
      cut('copy', 40, 41),
    ]
    expect(sensibleCuts(all).map(({ tensor }) => tensor)).toEqual(['relu1', 'relu4'])
  })
})
