import { describe, expect, it } from 'vitest'
import { seededRandom } from '../data/index.ts'
import { float32Tensor, GraphBuilder } from '../onnx/index.ts'
import type { Tensor } from '../runtime/index.ts'
import { softmaxEntropy } from './entropy.ts'
import { type DistillationWeights, distillationLoss, ownClassLoss, selectiveEntropyLoss } from './losses.ts'
import { NormGradient } from './norm-gradient.ts'
import { normLayoutOf } from './norm-layers.ts'
import { type NormParameters, normVectors } from './norm-parameters.ts'

const ROWS = 7
const CLASSES = 5
const EPSILON = 1e-5

/** A network that is nothing but one normalisation: its logits are known in closed form. */
function oneLayer() {
  const g = new GraphBuilder('one-layer', 17)
  const x = g.input('input', 'float32', ['N', CLASSES, 1, 1])
  const part = (name: string, value: number) =>
    g.constant(float32Tensor(new Float32Array(CLASSES).fill(value)), name)
  const inputs = [x, part('scale', 1), part('shift', 0), part('mean', 0), part('variance', 1)]
  const y = g.op('BatchNormalization', inputs, {}, 'normed')
  g.output(g.op('Flatten', [y], { axis: 1 }), 'logits', 'float32', ['N', CLASSES])
  return g.build()
}

const model = oneLayer()
const layout = normLayoutOf(model)
const random = seededRandom(4)
const x = Float32Array.from({ length: ROWS * CLASSES }, () => 2 * random.normal())
const teacher = Float32Array.from(x, () => 2 * random.normal())
const parameters: NormParameters = normVectors((kind) =>
  Float32Array.from({ length: CLASSES }, () =>
    kind === 'variance' ? 0.5 + random.uniform() : kind === 'scale' ? 1 + random.uniform() : random.normal(),
  ),
)
const tensor = (dims: number[], data: Float32Array): Tensor => ({ dtype: 'float32', dims, data })
const scalar = (value: number) => tensor([], Float32Array.of(value))
const input = tensor([ROWS, CLASSES, 1, 1], x)

/** Rows of logits in double precision, with one shift or scale moved. */
function rowsOf(moved?: { kind: 'scale' | 'shift'; at: number; by: number }): number[][] {
  const by = (kind: 'scale' | 'shift', at: number) => (moved?.kind === kind && moved.at === at ? moved.by : 0)
  return Array.from({ length: ROWS }, (_, row) =>
    Array.from({ length: CLASSES }, (_, at) => {
      const { scale, shift, mean, variance } = parameters
      const whitened = (x[row * CLASSES + at]! - mean[at]!) / Math.sqrt(variance[at]! + EPSILON)
      return (scale[at]! + by('scale', at)) * whitened + shift[at]! + by('shift', at)
    }),
  )
}

const softmax = (logits: readonly number[], temperature = 1): number[] => {
  const largest = Math.max(...logits)
  const shares = logits.map((value) => Math.exp((value - largest) / temperature))
  const total = shares.reduce((sum, value) => sum + value, 0)
  return shares.map((value) => value / total)
}
const entropyOf = (logits: readonly number[]): number =>
  -softmax(logits).reduce((sum, p) => sum + p * Math.log(p), 0)

async function slopes(loss: Parameters<typeof NormGradient.open>[2]['loss'], feeds: Record<string, Tensor>) {
  const gradient = await NormGradient.open(model, layout, {
    normalisation: 'running',
    inputDims: { input: [ROWS, CLASSES, 1, 1] },
    loss,
  })
  const run = await gradient.run({ input, ...feeds }, parameters)
  await gradient.dispose()
  return run
}

/** The gradient in float32 against central differences of a loss in double precision. */
function expectSlopes(
  { scale, shift }: { scale: Float32Array; shift: Float32Array },
  loss: (rows: number[][]) => number,
): void {
  const size = Math.hypot(...scale, ...shift)
  expect(size).toBeGreaterThan(1e-3)
  for (const [kind, slope] of [
    ['scale', scale],
    ['shift', shift],
  ] as const) {
    for (let at = 0; at < CLASSES; at++) {
      const numeric = (loss(rowsOf({ kind, at, by: 1e-5 })) - loss(rowsOf({ kind, at, by: -1e-5 }))) / 2e-5
      expect(Math.abs(slope[at]! - numeric) / size).toBeLessThan(1e-4)
    }
  }
}

const weights: DistillationWeights = { alpha: 3, beta: 2, gamma: 0.7, temperature: 1.5, margin: 0.9 }

describe('distillationLoss', () => {
  const teacherRows = Array.from({ length: ROWS }, (_, row) => [
    ...teacher.subarray(row * CLASSES, (row + 1) * CLASSES),
  ])
  const held = rowsOf().map(entropyOf)
  const expected = (rows: number[][], { alpha, beta, gamma, temperature, margin } = weights): number =>
    rows.reduce((sum, logits, row) => {
      const [target, answer] = [softmax(teacherRows[row]!, temperature), softmax(logits, temperature)]
      const divergence = target.reduce((total, p, at) => total + p * Math.log(p / answer[at]!), 0)
      const best = teacherRows[row]!.indexOf(Math.max(...teacherRows[row]!))
      const taught = beta * temperature ** 2 * divergence - gamma * Math.log(softmax(logits)[best]!)
      const own = alpha * entropyOf(logits) * Math.exp(margin - held[row]!)
      return sum + (own + taught * Math.exp(margin - entropyOf(teacherRows[row]!))) / ROWS
    }, 0)

  it('is what its formula says, with weights that have no gradient', async () => {
    const feeds = { teacher: tensor([ROWS, CLASSES], teacher) }
    const run = await slopes((net) => distillationLoss(net, ROWS, CLASSES, weights), feeds)
    expect(run.loss).toBeCloseTo(expected(rowsOf()), 4)
    expectSlopes(run.gradient, (rows) => expected(rows))
  })

  it('is nothing where the student answers as the teacher and only the divergence counts', async () => {
    const own = Float32Array.from(rowsOf().flat())
    const run = await slopes(
      (net) => distillationLoss(net, ROWS, CLASSES, { ...weights, alpha: 0, gamma: 0 }),
      { teacher: tensor([ROWS, CLASSES], own) },
    )
    expect(Math.abs(run.loss)).toBeLessThan(1e-5)
    for (const value of [...run.gradient.scale, ...run.gradient.shift])
      expect(Math.abs(value)).toBeLessThan(1e-5)
  })
})

describe('selectiveEntropyLoss', () => {
  const open = { centre: tensor([CLASSES], new Float32Array(CLASSES)), similarity: scalar(2) }
  const allowed = Float32Array.from({ length: ROWS }, (_, row) => (row === 2 ? 0 : 1))

  it('weighs the sure rows and leaves out the others', async () => {
    const held = rowsOf().map(entropyOf)
    const upper = [...held].sort((a, b) => a - b)[4]!
    const margin = 0.8
    const run = await slopes((net) => selectiveEntropyLoss(net, ROWS, CLASSES), {
      ...open,
      allowed: tensor([ROWS], allowed),
      upper: scalar(upper + 1e-4),
      sharpness: scalar(1),
      margin: scalar(margin),
    })
    const counts = held.map((entropy, row) => entropy < upper + 1e-4 && row !== 2)
    expect([...(run.values.selected!.data as Float32Array)]).toEqual(counts.map(Number))
    const number = counts.filter(Boolean).length
    const loss = (rows: number[][]) =>
      rows.reduce(
        (sum, logits, row) =>
          sum + (counts[row] ? (entropyOf(logits) * Math.exp(margin - held[row]!)) / number : 0),
        0,
      )
    expect(run.loss).toBeCloseTo(loss(rowsOf()), 4)
    expectSlopes(run.gradient, loss)
  })

  it('leaves out rows that answer what most do', async () => {
    const rows = rowsOf().map((logits) => softmax(logits))
    const centre = Float32Array.from(rows[0]!)
    const cosine = (row: number[]) => {
      const dot = row.reduce((sum, p, at) => sum + p * centre[at]!, 0)
      return dot / Math.hypot(...row) / Math.hypot(...centre)
    }
    const run = await slopes((net) => selectiveEntropyLoss(net, ROWS, CLASSES), {
      allowed: tensor([ROWS], new Float32Array(ROWS).fill(1)),
      centre: tensor([CLASSES], centre),
      similarity: scalar(0.6),
      upper: scalar(100),
      sharpness: scalar(0),
      margin: scalar(0),
    })
    expect([...(run.values.selected!.data as Float32Array)]).toEqual(
      rows.map((row) => Number(cosine(row) < 0.6)),
    )
  })

  it('has no slope when no row counts', async () => {
    const run = await slopes((net) => selectiveEntropyLoss(net, ROWS, CLASSES), {
      ...open,
      allowed: tensor([ROWS], new Float32Array(ROWS)),
      upper: scalar(100),
      sharpness: scalar(0),
      margin: scalar(0),
    })
    expect(run.loss).toBe(0)
    expect(Math.hypot(...run.gradient.scale, ...run.gradient.shift)).toBe(0)
  })
})

describe('ownClassLoss', () => {
  it("is the cross-entropy with the network's own best class", async () => {
    const best = rowsOf().map((logits) => logits.indexOf(Math.max(...logits)))
    const run = await slopes((net) => ownClassLoss(net, ROWS, CLASSES), {})
    expectSlopes(run.gradient, (rows) =>
      rows.reduce((sum, logits, row) => sum - Math.log(softmax(logits)[best[row]!]!) / ROWS, 0),
    )
  })
})

describe('softmaxEntropy', () => {
  it('is ln(classes) for equal logits, 0 for one far above, and steady at any size', () => {
    expect(softmaxEntropy(new Float32Array(1000).fill(3))).toBeCloseTo(Math.log(1000), 6)
    expect(softmaxEntropy([1e4, -1e4, 0])).toBe(0)
    expect(softmaxEntropy([-1e4, -1e4])).toBeCloseTo(Math.LN2, 12)
    const rows = rowsOf()
    rows.forEach((row) => {
      expect(softmaxEntropy(row)).toBeCloseTo(entropyOf(row), 10)
    })
  })
})
