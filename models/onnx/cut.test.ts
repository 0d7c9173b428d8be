import { IsthmusError } from '@isthmus/proto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openSession } from '../runtime/node.ts'
import { GraphBuilder } from './builder.ts'
import { compareCut } from './compare.ts'
import { cut } from './cut.ts'
import { cutPoints } from './cut-points.ts'
import { fixtureGraphs } from './fixtures.ts'
import type { Graph, Model, Node } from './graph.ts'
import { inspectModel } from './inspect.ts'
import { readModel } from './read.ts'
import { seededFeeds } from './seeded-feeds.ts'
import { float32Tensor } from './tensor.ts'
import { writeModel } from './write.ts'

const fixtures = fixtureGraphs().map((fixture) => ({
  ...fixture,
  bytes: writeModel(fixture.model),
  model: readModel(writeModel(fixture.model)),
}))

const fixture = (name: string) => fixtures.find((entry) => entry.name === name)!

const places = (model: Model): string[] => cutPoints(model.graph).map((point) => point.tensor)

/** Message of the error that cutting there gives. */
function refusal(model: Model, tensor: string): string {
  try {
    cut(model, tensor)
  } catch (error) {
    expect(error).toBeInstanceOf(IsthmusError)
    expect((error as IsthmusError).code).toBe('CANNOT_CUT')
    return (error as IsthmusError).message
  }
  throw new Error(`"${tensor}" was cut`)
}

describe('cutting the fixture graphs', () => {
  it.each(fixtures)('$name: head and tail equal the whole bit for bit at every place', async (entry) => {
    const feeds = seededFeeds(entry.model, entry.shapes)
    expect(places(entry.model).length).toBeGreaterThan(2)
    for (const tensor of places(entry.model)) {
      const { head, tail } = cut(entry.model, tensor)
      const models = { whole: entry.bytes, head: writeModel(head), tail: writeModel(tail) }
      const exact = await compareCut(models, feeds, openSession, { graphOptimization: 'disabled' })
      expect({ tensor, ...exact }).toEqual({ tensor, identical: true, maxAbsDifference: 0 })
    }
  })

  it('finds no place inside a residual block or between towers', () => {
    const inner = places(fixture('residual').model)
    const graph = fixture('residual').model.graph
    const adds = graph.nodes.filter((node) => node.op === 'Add')
    expect(adds).toHaveLength(2)
    for (const add of adds) {
      expect(inner).toContain(add.outputs[0])
      expect(inner).not.toContain(add.inputs[1])
    }
    const towers = fixture('towers').model
    const concat = towers.graph.nodes.find((node) => node.op === 'Concat')!
    for (const tower of concat.inputs) expect(places(towers)).not.toContain(tower)
  })

  it('counts what is computed from weights alone as weights, and gives it to both sides', () => {
    const { model } = fixture('shared-constants')
    const [middle] = places(model)
      .filter((name) => name.startsWith('Relu'))
      .slice(1)
    const { head, tail } = cut(model, middle!)
    for (const part of [head, tail]) {
      expect(part.graph.nodes.filter((node) => node.op === 'Transpose')).toHaveLength(1)
      expect(part.graph.nodes.filter((node) => node.op === 'Constant')).toHaveLength(1)
    }
  })

  it('shares the weights of the whole without a copy', () => {
    const { model } = fixture('residual')
    const { head, tail } = cut(model, places(model)[4]!)
    for (const part of [head, tail]) {
      for (const [name, tensor] of part.graph.initializers) {
        expect(tensor).toBe(model.graph.initializers.get(name))
      }
    }
    expect(head.graph.initializers.size + tail.graph.initializers.size).toBe(model.graph.initializers.size)
  })

  it('gives the cut tensor its type and shape, with a free batch left free', () => {
    const { model } = fixture('towers')
    const { head, tail } = cut(model, places(model)[1]!)
    const info = { name: places(model)[1], dtype: 'float32', dims: ['N', 6, 6, 6] }
    expect(head.graph.outputs).toEqual([info])
    expect(tail.graph.inputs).toEqual([info])
  })
})

describe('cutting odd graphs', () => {
  it.each(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'a "b"/c\n☃'])(
    'an input may be called %j',
    (name) => {
      const g = new GraphBuilder('odd')
      const middle = g.op('Relu', [g.input(name, 'float32', ['N', 3])])
      g.output(g.op('Relu', [middle]), 'y')
      const model = readModel(writeModel(g.build()))
      expect(inspectModel(model).cuts.map(({ tensor }) => tensor)).toContain(middle)
      expect(cut(model, middle).head.graph.inputs[0]!.name).toBe(name)
      expect(Object.entries(seededFeeds(model)).map(([key, { dims }]) => [key, dims])).toEqual([
        [name, [1, 3]],
      ])
    },
  )

  it('one operator may join more values than a call takes arguments', () => {
    const count = 150_000
    const g = new GraphBuilder('wide')
    const x = g.input('x', 'float32', [1])
    const parts = Array.from({ length: count }, () => g.op('Relu', [x]))
    const joined = g.op('Concat', parts, { axis: 0 })
    g.value({ name: joined, dtype: 'float32', dims: [count] })
    g.output(g.op('Relu', [joined]), 'y')
    const { graph, ...rest } = g.build()
    const model = readModel(writeModel({ ...rest, graph: { ...graph, nodes: graph.nodes.toReversed() } }))
    expect(cut(model, joined).head.graph.nodes).toHaveLength(count + 1)
  })
})

describe('refusing a cut', () => {
  it('says which tensors would have to cross as well, and where to cut instead', () => {
    const { model } = fixture('residual')
    const add = model.graph.nodes.find((node) => node.op === 'Add')!
    const message = refusal(model, add.inputs[1]!)
    expect(message).toContain(`"${add.inputs[0]}" would have to cross as well`)
    expect(message).toContain(`"${add.outputs[0]}" after it`)
  })

  it('names similar tensors when there is none of that name', () => {
    expect(refusal(fixture('towers').model, 'Conv_00')).toMatch(/no such tensor.*"Conv_\d/)
  })

  it('names an output that is made before the cut', () => {
    const g = new GraphBuilder('early')
    const x = g.op('Relu', [g.input('x', 'float32', [1, 4])], {}, 'a')
    g.output(g.op('Exp', [x], {}, 'early'))
    g.output(g.op('Abs', [g.op('Neg', [x], {}, 'b')], {}, 'late'))
    expect(refusal(g.build(), 'b')).toContain('output "early" does not come from it')
    expect(refusal(g.build(), 'late')).toContain('it is an output')
    expect(refusal(g.build(), 'x')).toContain('it is an input of the model')
    expect(places(g.build())).toEqual(['a'])
  })

  it('names an input that only the tail reads', () => {
    const g = new GraphBuilder('late input')
    const mask = g.input('mask', 'float32', [1, 4])
    const x = g.op('Relu', [g.input('x', 'float32', [1, 4])], {}, 'a')
    g.output(g.op('Abs', [g.op('Mul', [x, mask], {}, 'masked')], {}, 'y'))
    expect(refusal(g.build(), 'a')).toContain('"mask" would have to cross as well')
    expect(places(g.build())).toEqual(['masked'])
  })

  it('refuses a weight, a dead end, and a value that is not a tensor', () => {
    const { model } = fixture('two-heads')
    const [weight] = model.graph.initializers.keys()
    expect(refusal(model, weight!)).toContain('it is a weight')
    expect(refusal(model, 'mask')).toContain('does not lie between the inputs and the outputs')
    const g = new GraphBuilder('sequence')
    const sequence = g.op('SplitToSequence', [g.input('x', 'float32', [4, 4])], {}, 'pieces')
    g.output(g.op('ConcatFromSequence', [sequence], { axis: 0 }), 'y')
    expect(refusal(g.build(), 'pieces')).toMatch(/SplitToSequence/)
  })

  it.each([
    ['RandomNormal', (g: GraphBuilder) => g.op('RandomNormal', [], { shape: [1, 4] }, 'noise')],
    [
      'Bernoulli',
      (g: GraphBuilder) => g.op('Bernoulli', [g.constant(float32Tensor([1, 0, 1, 1], [1, 4]))], {}, 'noise'),
    ],
  ])('keeps a random draw on one side: %s', (_, draw) => {
    const g = new GraphBuilder('noise')
    const noise = draw(g)
    const a = g.op('Add', [g.input('x', 'float32', [1, 4]), noise], {}, 'a')
    g.output(g.op('Mul', [g.op('Relu', [a], {}, 'b'), noise], {}, 'y'))
    expect(places(g.build())).toEqual([])
    expect(refusal(g.build(), 'b')).toContain('no single tensor')
  })
})

/** A random graph: each node reads one or two earlier values or the weight; some values are outputs. */
const randomGraph = fc
  .record({
    reads: fc.array(fc.tuple(fc.nat(), fc.option(fc.nat(), { nil: undefined })), {
      minLength: 1,
      maxLength: 12,
    }),
    inputs: fc.integer({ min: 1, max: 2 }),
    spread: fc.integer({ min: 1, max: 4 }),
    outputs: fc.array(fc.nat(), { maxLength: 1 }),
    reversed: fc.boolean(),
  })
  .map(({ reads, inputs, spread, outputs, reversed }): Graph => {
    const g = new GraphBuilder('random')
    const values = [g.constant(float32Tensor([1]), 'weight')]
    for (let i = 0; i < inputs; i++) values.push(g.input(`x${i}`, 'float32', [1]))
    // Mostly recent values, so that chains with places to cut are common.
    const pick = (n: number) => values[Math.max(0, values.length - 1 - (n % (spread + 1)))]!
    reads.forEach(([a, b], i) => {
      const inputsOf = b === undefined ? [pick(a)] : [pick(a), pick(b)]
      values.push(g.op(b === undefined ? 'Relu' : 'Add', inputsOf, {}, `v${i}`))
    })
    g.output(`v${reads.length - 1}`)
    for (const n of outputs) {
      const name = `v${n % reads.length}`
      if (name !== `v${reads.length - 1}`) g.output(name)
    }
    const { graph } = g.build()
    return reversed ? { ...graph, nodes: graph.nodes.toReversed() } : graph
  })

/** By definition: without the tensor, no path leads from an input to an output, and with it one does. */
function bruteForce(graph: Graph): string[] {
  const reachable = (without: string | undefined): boolean => {
    const reached = new Set(graph.inputs.map((input) => input.name).filter((name) => name !== without))
    for (let grown = true; grown; ) {
      grown = false
      for (const node of graph.nodes) {
        for (const name of node.outputs) {
          if (name === without || reached.has(name) || !node.inputs.some((input) => reached.has(input)))
            continue
          reached.add(name)
          grown = true
        }
      }
    }
    return graph.outputs.some((output) => reached.has(output.name))
  }
  if (!reachable(undefined)) return []
  const outputs = new Set(graph.outputs.map((output) => output.name))
  return graph.nodes
    .flatMap((node: Node) => node.outputs)
    .filter((name) => !outputs.has(name) && !reachable(name))
}

describe('the list of places', () => {
  it('equals the definition on random graphs, sorted or not', () => {
    let found = 0
    fc.assert(
      fc.property(randomGraph, (graph) => {
        const expected = bruteForce(graph)
        found += expected.length
        expect(
          cutPoints(graph)
            .map((point) => point.tensor)
            .sort(),
        ).toEqual(expected.sort())
      }),
      { numRuns: 500, seed: 11 },
    )
    expect(found).toBeGreaterThan(200)
  })

  it('is made in one sweep: a chain of 20 000 operators takes no time', () => {
    const g = new GraphBuilder('chain')
    let x = g.input('x', 'float32', [1])
    for (let i = 0; i < 20_000; i++) x = g.op('Relu', [x])
    g.output(x, 'y')
    expect(cutPoints(g.build().graph)).toHaveLength(20_000)
  })
})
