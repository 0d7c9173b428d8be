import { IsthmusError } from '@isthmus/proto'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../data/random.ts'
import { float, float32Tensor, float32Values, GraphBuilder, type Model, writeModel } from '../onnx/index.ts'
import { openSession, type Tensor } from '../runtime/index.ts'
import { corrections, type Optimizer } from './optimizer.ts'
import { compileTrainingStep, type TrainingState, type TrainingStep } from './training-step.ts'

const ROWS = 4
const INPUTS = 3
const OUTPUTS = 2

/** loss = mean((x·w + b − t)²), whose gradients are known in closed form. */
function regression(opset = 17): Model {
  const g = new GraphBuilder('regression', opset)
  const x = g.input('x', 'float32', ['N', INPUTS])
  const t = g.input('t', 'float32', ['N', OUTPUTS])
  const w = g.constant(float32Tensor([0.5, -0.25, 0.125, 1, -0.75, 0.3], [INPUTS, OUTPUTS]), 'w')
  const b = g.constant(float32Tensor([0.1, -0.2]), 'b')
  const residual = g.op('Sub', [g.op('Gemm', [x, w, b], {}, 'y'), t])
  const squares = g.op('Mul', [residual, residual])
  g.output(
    g.op('Mul', [g.op('ReduceSum', [squares], { keepdims: 0 }), g.scalar(1 / (ROWS * OUTPUTS))], {}, 'loss'),
  )
  return g.build()
}

const inputDims = { x: [ROWS, INPUTS], t: [ROWS, OUTPUTS] }

const groups = [
  { name: 'kernels', parameters: ['w'], weightDecay: 0.1 },
  { name: 'biases', parameters: ['b'], rateScale: 4 },
]

const tensor = (dims: readonly number[], data: Float32Array): Tensor => ({ dtype: 'float32', dims, data })
const scalar = (value: number): Tensor => tensor([], Float32Array.of(value))

/** Runs steps one after another, as the training loop does; `data` gives the feeds of step 0, 1, .... */
async function run(
  step: TrainingStep,
  optimizer: Optimizer,
  data: readonly Record<string, Tensor>[],
  rate: (step: number) => number,
): Promise<{ states: TrainingState[]; results: Record<string, Tensor>[] }> {
  const session = await openSession(writeModel(step.model))
  const states = [step.initialState()]
  const results: Record<string, Tensor>[] = []
  try {
    for (const [index, feeds] of data.entries()) {
      const state = states.at(-1)!
      const all: Record<string, Tensor> = { ...feeds, rate: scalar(rate(index)) }
      corrections(optimizer, index + 1).forEach((value, at) => {
        all[step.corrections[at]!] = scalar(value)
      })
      for (const [name, values] of Object.entries(state)) all[name] = tensor([values.length], values)
      const result = await session.run(all)
      results.push(result)
      states.push(
        Object.fromEntries(
          Object.keys(state).map((name) => [name, result[`next.${name}`]!.data as Float32Array]),
        ),
      )
    }
  } finally {
    await session.dispose()
  }
  return { states, results }
}

const random = (dims: readonly number[], seed: number): Tensor => {
  const source = seededRandom(seed)
  const length = dims.reduce((product, dim) => product * dim, 1)
  return tensor(
    dims,
    Float32Array.from({ length }, () => source.normal()),
  )
}

const batches = Array.from({ length: 5 }, (_, index) => ({
  x: random(inputDims.x, 2 * index),
  t: random(inputDims.t, 2 * index + 1),
}))

/** Gradients of the regression in float64, by w and then by b. */
function gradientOf(w: readonly number[], b: readonly number[], { x, t }: (typeof batches)[number]) {
  const [byW, byB] = [w.map(() => 0), b.map(() => 0)]
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < OUTPUTS; column++) {
      let y = b[column]!
      for (let k = 0; k < INPUTS; k++) y += Number(x.data[row * INPUTS + k]) * w[k * OUTPUTS + column]!
      const slope = (2 * (y - Number(t.data[row * OUTPUTS + column]))) / (ROWS * OUTPUTS)
      byB[column]! += slope
      for (let k = 0; k < INPUTS; k++) byW[k * OUTPUTS + column]! += slope * Number(x.data[row * INPUTS + k])
    }
  }
  return { byW, byB }
}

type Update = (
  p: number,
  gradient: number,
  rate: number,
  decay: number,
  moments: number[],
  step: number,
) => number

/** The update of Sutskever et al. 2013 with L2 weight decay, as published. */
const sgd =
  (momentum: number, nesterov: boolean): Update =>
  (p, gradient, rate, decay, moments) => {
    const slope = gradient + decay * p
    moments[0] = momentum * (moments[0] ?? 0) + slope
    return p - rate * (nesterov ? slope + momentum * moments[0] : moments[0])
  }

/** Algorithm 2 of Loshchilov and Hutter 2019, with the decay scaled by the rate. */
const adam =
  (beta1: number, beta2: number, epsilon: number): Update =>
  (p, gradient, rate, decay, moments, step) => {
    moments[0] = beta1 * (moments[0] ?? 0) + (1 - beta1) * gradient
    moments[1] = beta2 * (moments[1] ?? 0) + (1 - beta2) * gradient * gradient
    const first = moments[0] / (1 - beta1 ** step)
    const second = moments[1] / (1 - beta2 ** step)
    return p - rate * (first / (Math.sqrt(second) + epsilon) + decay * p)
  }

describe('a training step follows the closed form of its optimiser over several steps:', () => {
  const cases: [string, Optimizer, Update][] = [
    ['gradient descent', { kind: 'sgd', momentum: 0 }, sgd(0, false)],
    ['momentum', { kind: 'sgd', momentum: 0.9 }, sgd(0.9, false)],
    ['Nesterov momentum', { kind: 'sgd', momentum: 0.85, nesterov: true }, sgd(0.85, true)],
    ['Adam', { kind: 'adam' }, adam(0.9, 0.999, 1e-8)],
    [
      'Adam with other constants',
      { kind: 'adam', beta1: 0.5, beta2: 0.9, epsilon: 0.1 },
      adam(0.5, 0.9, 0.1),
    ],
  ]
  test.each(cases)('%s', async (_, optimizer, update) => {
    const step = compileTrainingStep(regression(), { loss: 'loss', inputDims, groups, optimizer })
    const rate = (index: number) => 0.05 / (index + 1)
    const { states } = await run(step, optimizer, batches, rate)
    const initial = step.initialState()
    let w = Array.from(initial['kernels.parameters']!)
    let b = Array.from(initial['biases.parameters']!)
    const momentsOfW = w.map((): number[] => [])
    const momentsOfB = b.map((): number[] => [])
    for (const [index, batch] of batches.entries()) {
      const { byW, byB } = gradientOf(w, b, batch)
      w = w.map((p, at) => update(p, byW[at]!, rate(index), 0.1, momentsOfW[at]!, index + 1))
      b = b.map((p, at) => update(p, byB[at]!, 4 * rate(index), 0, momentsOfB[at]!, index + 1))
      const state = states[index + 1]!
      w.forEach((p, at) => {
        expect(state['kernels.parameters']![at]).toBeCloseTo(p, 5)
      })
      b.forEach((p, at) => {
        expect(state['biases.parameters']![at]).toBeCloseTo(p, 5)
      })
    }
    const moments = optimizer.kind === 'sgd' ? ['momentum'] : ['moment1', 'moment2']
    moments.forEach((name, which) => {
      momentsOfW.forEach((values, at) => {
        expect(states.at(-1)![`kernels.${name}`]![at]).toBeCloseTo(values[which]!, 5)
      })
    })
  })
})

describe('the state of a training step', () => {
  const optimizer = { kind: 'sgd', momentum: 0.9 } as const
  const step = compileTrainingStep(regression(), { loss: 'loss', inputDims, groups, optimizer })

  test("starts at the graph's own weights, with moments of zero, and is the caller's own", () => {
    const state = step.initialState()
    expect(Object.keys(state).sort()).toEqual(Object.keys(step.stateLengths).sort())
    expect(Array.from(state['biases.parameters']!)).toEqual(Array.from(Float32Array.of(0.1, -0.2)))
    expect(Array.from(state['kernels.momentum']!)).toEqual([0, 0, 0, 0, 0, 0])
    state['biases.parameters']!.fill(7)
    expect(step.initialState()['biases.parameters']![0]).toBeCloseTo(0.1)
  })

  test('gives the parameters by name as views that follow it', () => {
    const state = step.initialState()
    const parameters = step.parameters(state)
    expect([...parameters].map(([name, { dims }]) => [name, dims])).toEqual([
      ['w', [INPUTS, OUTPUTS]],
      ['b', [OUTPUTS]],
    ])
    state['biases.parameters']![1] = 42
    expect(float32Values(parameters.get('b')!)[1]).toBe(42)
  })

  test('is not changed by a step', async () => {
    const { states } = await run(step, optimizer, batches.slice(0, 2), () => 0.1)
    expect(Array.from(states[0]!['biases.parameters']!)).toEqual(
      Array.from(step.initialState()['biases.parameters']!),
    )
    expect(states[1]!['biases.parameters']).not.toEqual(states[2]!['biases.parameters'])
  })
})

const CHANNELS = 2

/** A normalised layer over [6,2,2,1] with its own momentum, and a frozen one behind it. */
function normalizedNet(momentum: number | undefined): Model {
  const g = new GraphBuilder('normalized')
  const x = g.input('x', 'float32', [6, CHANNELS, 2, 1])
  const vector = (name: string, ...values: number[]) => g.constant(float32Tensor(values), name)
  const norm = (prefix: string, value: string, attributes: Parameters<GraphBuilder['op']>[2]) =>
    g.op(
      'BatchNormalization',
      [
        value,
        vector(`${prefix}.scale`, 1.5, 0.5),
        vector(`${prefix}.shift`, 0, 1),
        vector(`${prefix}.mean`, 3, -1),
        vector(`${prefix}.variance`, 2, 0.5),
      ],
      attributes,
    )
  const first = norm('live', x, {
    training_mode: 1,
    ...(momentum === undefined ? {} : { momentum: float(momentum) }),
  } as Parameters<GraphBuilder['op']>[2])
  const second = norm('frozen', g.op('Mul', [first, first]), {})
  g.output(g.op('ReduceMean', [second], { keepdims: 0 }, 'loss'))
  return g.build()
}

describe('batch normalisation in a training step', () => {
  const inputDims = { x: [6, CHANNELS, 2, 1] }
  const optimizer = { kind: 'sgd', momentum: 0 } as const
  const groups = [{ name: 'scales', parameters: ['live.scale', 'live.shift', 'frozen.scale'] }]

  test.each([undefined, 0.7])(
    'averages the statistics of the batches, with momentum %s',
    async (momentum) => {
      const step = compileTrainingStep(normalizedNet(momentum), {
        loss: 'loss',
        inputDims,
        groups,
        optimizer,
      })
      const data = [1, 2, 3].map((seed) => ({ x: random(inputDims.x, seed) }))
      const { states } = await run(step, optimizer, data, () => 0.1)
      const keep = momentum ?? 0.9
      const mean = [3, -1]
      const variance = [2, 0.5]
      for (const { x } of data) {
        for (let channel = 0; channel < CHANNELS; channel++) {
          const values = Array.from(x.data, Number).filter(
            (_, at) => Math.floor(at / 2) % CHANNELS === channel,
          )
          const average = values.reduce((sum, value) => sum + value, 0) / values.length
          const spread = values.reduce((sum, value) => sum + (value - average) ** 2, 0) / (values.length - 1)
          mean[channel] = keep * mean[channel]! + (1 - keep) * average
          variance[channel] = keep * variance[channel]! + (1 - keep) * spread
        }
      }
      const last = step.parameters(states.at(-1)!)
      ;[...mean, ...variance].forEach((value, at) => {
        const name = at < CHANNELS ? 'live.mean' : 'live.variance'
        expect(float32Values(last.get(name)!)[at % CHANNELS]).toBeCloseTo(value, 5)
      })
      expect(last.has('frozen.mean')).toBe(false)
      expect(last.has('frozen.scale')).toBe(true)
    },
  )

  test('does not keep one pair of running averages for two layers', () => {
    const { graph, ...model } = normalizedNet(undefined)
    const twice = {
      ...graph,
      nodes: graph.nodes.flatMap((node, at) => (at === 0 ? [node, { ...node, outputs: ['again'] }] : [node])),
    }
    expect(() =>
      compileTrainingStep({ ...model, graph: twice }, { loss: 'loss', inputDims, groups, optimizer }),
    ).toThrow(/"live\.mean" is a parameter or running average twice/)
  })
})

describe('a training step returns', () => {
  const optimizer = { kind: 'sgd', momentum: 0 } as const

  test('the loss and the values asked for, each once, in their own type', async () => {
    const g = new GraphBuilder('classified')
    const x = g.input('x', 'float32', [2, 3])
    const w = g.constant(float32Tensor([1, 0, 0, 0, 1, 0, 0, 0, 1], [3, 3]), 'w')
    const scores = g.op('MatMul', [x, w], {}, 'scores')
    g.op('ArgMax', [scores], { axis: 1, keepdims: 0 }, 'classes')
    g.output(g.op('ReduceMean', [scores], { keepdims: 0 }, 'loss'))
    const step = compileTrainingStep(g.build(), {
      loss: 'loss',
      inputDims: {},
      groups: [{ name: 'all', parameters: ['w'] }],
      optimizer,
      outputs: ['classes', 'loss', 'scores'],
    })
    const x1 = tensor([2, 3], Float32Array.of(1, 5, 2, 9, 0, 1))
    const { results } = await run(step, optimizer, [{ x: x1 }], () => 0)
    expect(Object.keys(results[0]!).sort()).toEqual([
      'classes',
      'loss',
      'next.all.momentum',
      'next.all.parameters',
      'scores',
    ])
    expect(results[0]!.classes).toMatchObject({ dtype: 'int64', dims: [2], data: BigInt64Array.of(1n, 0n) })
    expect(results[0]!.loss!.data[0]).toBeCloseTo(3)
  })
})

describe('a training step is refused', () => {
  const optimizer = { kind: 'adam' } as const
  const base = { loss: 'loss', inputDims, groups, optimizer }

  const refusal = (model: Model, options: Parameters<typeof compileTrainingStep>[1]): string => {
    try {
      compileTrainingStep(model, options)
    } catch (error) {
      if (error instanceof IsthmusError) return `${error.code}: ${error.message}`
      throw error
    }
    return 'nothing'
  }

  test('below operator set 14', () => {
    expect(refusal(regression(13), base)).toMatch(/^UNSUPPORTED_OPSET: .*14 or later.* has 13/)
  })

  test('for a parameter that does not exist, is no weight, or does not reach the loss', () => {
    const trained = (...parameters: string[]) => ({ ...base, groups: [{ name: 'all', parameters }] })
    expect(refusal(regression(), trained('w', 'ww'))).toMatch(/^UNKNOWN_PARAMETER: "ww"/)
    expect(refusal(regression(), trained('w', 'x'))).toMatch(/^UNKNOWN_PARAMETER: "x"/)
    const model = regression()
    const idle = new Map(model.graph.initializers).set('idle', float32Tensor([1]))
    const extended = { ...model, graph: { ...model.graph, initializers: idle } }
    expect(refusal(extended, trained('w', 'idle'))).toMatch(
      /^UNKNOWN_PARAMETER: "idle" does not influence the loss/,
    )
    expect(refusal(extended, trained('idle'))).toMatch(/^UNSUPPORTED_GRADIENT: "loss" does not depend/)
  })

  test('for groups that are empty or share a name or a parameter', () => {
    const [kernels, biases] = groups as [(typeof groups)[0], (typeof groups)[0]]
    expect(refusal(regression(), { ...base, groups: [kernels, { name: 'none', parameters: [] }] })).toMatch(
      /^BAD_OPTION: Group "none" has no parameters/,
    )
    expect(refusal(regression(), { ...base, groups: [kernels, { ...biases, parameters: ['w'] }] })).toMatch(
      /^BAD_OPTION: "w" is a parameter or running average twice/,
    )
    expect(refusal(regression(), { ...base, groups: [kernels, { ...biases, name: 'kernels' }] })).toMatch(
      /^BAD_OPTION: "kernels\.parameters" is an input of the training step twice/,
    )
  })

  test('for an output or a loss that the graph does not have, or a loss of several numbers', () => {
    expect(refusal(regression(), { ...base, outputs: ['accuracy'] })).toMatch(/^BAD_OPTION: .*"accuracy"/)
    expect(refusal(regression(), { ...base, loss: 'y' })).toMatch(
      /^BAD_OPTION: The loss "y" has shape \[4,2\]/,
    )
    expect(refusal(regression(), { ...base, loss: 'cost' })).toMatch(/^UNSUPPORTED_GRADIENT: "cost"/)
  })
})
