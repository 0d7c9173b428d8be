import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkTaskGraph } from './check-task-graph.ts'
import { arbitraryDag } from './dags.test.kit.ts'
import { topologicalOrder } from './topological-order.ts'

const refusal = (value: unknown, limits = {}) => {
  try {
    checkTaskGraph(value, limits)
  } catch (error) {
    return error
  }
  throw new Error('it was taken')
}
const after = (...tasks: string[]) => tasks.map((task) => ({ task, bits: 1 }))

describe('checkTaskGraph', () => {
  it('takes any DAG through JSON as it is', () => {
    fc.assert(
      fc.property(arbitraryDag, (graph) => {
        expect(checkTaskGraph(JSON.parse(JSON.stringify(graph)))).toEqual(graph)
      }),
      { seed: 1 },
    )
  })

  it.each<[string, unknown, string, string]>([
    ['no object', 'tasks', 'BAD_GRAPH', 'expected object'],
    ['nothing', undefined, 'BAD_GRAPH', 'expected object'],
    ['no tasks', { tasks: [] }, 'BAD_GRAPH', 'tasks: '],
    [
      'an unknown field',
      { task: [], tasks: [{ id: 'a', cycles: 1 }] },
      'BAD_GRAPH',
      'no field "task"; did you mean "tasks"',
    ],
    [
      'an unknown field of a task',
      { tasks: [{ id: 'a', cycles: 1, inputbit: 3 }] },
      'BAD_GRAPH',
      'tasks[0] ("a"): there is no field "inputbit"; did you mean "inputBits"?',
    ],
    [
      'an unknown field of a dependency',
      { tasks: [{ id: 'a', cycles: 1, after: [{ task: 'b', bits: 1, bit: 2 }] }] },
      'BAD_GRAPH',
      'tasks[0] ("a").after[0]: there is no field "bit"; did you mean "bits"?',
    ],
    ['cycles below 0', { tasks: [{ id: 'a', cycles: -1 }] }, 'BAD_GRAPH', 'tasks[0] ("a").cycles: '],
    [
      'cycles beyond all numbers',
      { tasks: [{ id: 'a', cycles: Infinity }] },
      'BAD_GRAPH',
      'tasks[0] ("a").cycles: ',
    ],
    [
      'cycles that are none',
      { tasks: [{ id: 'a', cycles: Number.NaN }] },
      'BAD_GRAPH',
      'tasks[0] ("a").cycles: ',
    ],
    ['cycles left out', { tasks: [{ id: 'a' }] }, 'BAD_GRAPH', 'tasks[0] ("a").cycles: '],
    ['an empty id', { tasks: [{ id: '', cycles: 1 }] }, 'BAD_GRAPH', 'tasks[0] ("").id: '],
    [
      'a line break in an id',
      { tasks: [{ id: 'a\nb', cycles: 1 }] },
      'BAD_GRAPH',
      'it holds a control character',
    ],
    ['a deadline of 0', { tasks: [{ id: 'a', cycles: 1 }], deadlineS: 0 }, 'BAD_GRAPH', 'deadlineS: '],
    [
      'two tasks of one name',
      {
        tasks: [
          { id: 'a', cycles: 1 },
          { id: 'a', cycles: 2 },
        ],
      },
      'GRAPH_DUPLICATE_TASK',
      '"a"',
    ],
    [
      'a task that is not there',
      { tasks: [{ id: 'a', cycles: 1, after: after('b') }] },
      'GRAPH_UNKNOWN_TASK',
      '"a" waits for "b"',
    ],
    [
      'a task that waits for itself',
      { tasks: [{ id: 'a', cycles: 1, after: after('a') }] },
      'GRAPH_CYCLE',
      'a → a',
    ],
    [
      'a task that waits twice',
      {
        tasks: [
          { id: 'a', cycles: 1 },
          { id: 'b', cycles: 1, after: after('a', 'a') },
        ],
      },
      'BAD_GRAPH',
      '"b" waits twice for "a"',
    ],
    [
      'a prototype for a task',
      JSON.parse('{"tasks":[{"id":"a","cycles":1,"__proto__":{"bits":1}}]}'),
      'BAD_GRAPH',
      'no field "__proto__"',
    ],
    [
      'a prototype for a graph',
      JSON.parse('{"tasks":[{"id":"a","cycles":1}],"__proto__":{"deadlineS":1}}'),
      'BAD_GRAPH',
      'no field "__proto__"',
    ],
  ])('refuses %s', (_, value, code, message) => {
    expect(refusal(value)).toMatchObject({ code, message: expect.stringContaining(message) })
  })

  it('refuses more tasks and dependencies than asked for, before it looks at them', () => {
    expect(refusal({ tasks: new Array(10_001) })).toMatchObject({
      message: expect.stringContaining('at most 10000'),
    })
    expect(
      refusal({ tasks: [{ after: new Array(3) }, { after: new Array(2) }] }, { maxDependencies: 4 }),
    ).toMatchObject({
      code: 'BAD_GRAPH',
      message: expect.stringContaining('5 dependencies; at most 4'),
    })
  })

  it('takes __proto__ and constructor for names', () => {
    const graph = {
      tasks: [
        { id: '__proto__', cycles: 1 },
        { id: 'constructor', cycles: 1, after: after('__proto__') },
      ],
    }
    expect(checkTaskGraph(graph)).toEqual(graph)
    expect(refusal({ tasks: [{ id: 'a', cycles: 1, after: after('toString') }] })).toMatchObject({
      code: 'GRAPH_UNKNOWN_TASK',
    })
    expect(({} as { bits?: number }).bits).toBeUndefined()
  })

  it('never throws another error than one that it names, whatever the value', () => {
    const part = fc.oneof(fc.constantFrom('a', 'b', 1, -1, null, Number.NaN), fc.anything())
    const task = fc.record(
      {
        id: part,
        cycles: part,
        after: fc.oneof(part, fc.array(fc.record({ task: part, bits: part }))),
        more: part,
      },
      { requiredKeys: [] },
    )
    const value = fc.oneof(
      fc.anything({ withNullPrototype: true }),
      fc.record({ tasks: fc.array(fc.oneof(task, part)) }),
    )
    fc.assert(
      fc.property(value, (each) => {
        try {
          checkTaskGraph(each)
        } catch (error) {
          expect(error).toMatchObject({ name: 'IsthmusError', code: expect.stringMatching(/^(BAD_)?GRAPH/) })
        }
      }),
      { numRuns: 2000, seed: 3 },
    )
  })
})

describe('topologicalOrder', () => {
  it('puts no task of any DAG before one that it waits for', () => {
    fc.assert(
      fc.property(arbitraryDag, (graph) => {
        const order = topologicalOrder(graph)
        expect([...order].sort((a, b) => a - b)).toEqual([...graph.tasks.keys()])
        const position = new Map(order.map((at, place) => [graph.tasks[at]!.id, place]))
        for (const { id, after = [] } of graph.tasks) {
          for (const { task } of after) expect(position.get(task)!).toBeLessThan(position.get(id)!)
        }
      }),
      { seed: 4 },
    )
  })

  it('names a cycle that is there, whatever lies around it', () => {
    const cyclic = fc
      .tuple(
        arbitraryDag,
        fc.integer({ min: 1, max: 6 }),
        fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 8 }),
      )
      .map(([{ tasks }, length, entries]) => {
        const ring = Array.from({ length }, (_, at) => ({
          id: `ring ${at}`,
          cycles: 1,
          after: after(
            `ring ${(at + 1) % length}`,
            ...(entries[at] ? [tasks[entries[at][0] % tasks.length]!.id] : []),
          ),
        }))
        const waiting = new Map(entries.map(([task, at]) => [task % tasks.length, `ring ${at % length}`]))
        // Only tasks that nobody waits for wait for the ring, so that it stays the one cycle.
        const waitedFor = new Set(
          [...tasks, ...ring].flatMap(({ after = [] }) => after.map(({ task }) => task)),
        )
        const outside = tasks.map((task, at) =>
          waiting.has(at) && !waitedFor.has(task.id)
            ? { ...task, after: [...(task.after ?? []), ...after(waiting.get(at)!)] }
            : task,
        )
        return { graph: { tasks: [...outside, ...ring] }, length }
      })
    fc.assert(
      fc.property(cyclic, ({ graph, length }) => {
        const error = refusal(graph) as Error & { code: string }
        expect(error.code).toBe('GRAPH_CYCLE')
        const named = error.message.split('wait for each other: ')[1]!.split(' → ')
        expect(named.length).toBe(length + 1)
        expect(named[0]).toBe(named.at(-1))
        const byId = new Map(graph.tasks.map((task) => [task.id, task]))
        for (const [at, id] of named.slice(1).entries()) {
          expect(byId.get(id)!.after!.map(({ task }) => task)).toContain(named[at])
        }
      }),
      { seed: 5 },
    )
  })
})

describe('a large graph', () => {
  it('is read as far as its first fault only', () => {
    let read = 0
    const fault = {
      get bits() {
        read++
        return 'many'
      },
    }
    const tasks = Array.from({ length: 200 }, (_, at) => ({ id: `${at}`, cycles: 1, after: [fault, fault] }))
    expect(refusal({ tasks })).toMatchObject({ code: 'BAD_GRAPH' })
    expect(read).toBeLessThan(5)
  })

  it('with a long cycle is refused with a short message', () => {
    const tasks = Array.from({ length: 5000 }, (_, at) => ({
      id: `${'x'.repeat(200)}${at}`,
      cycles: 1,
      after: [{ task: `${'x'.repeat(200)}${(at + 1) % 5000}`, bits: 0 }],
    }))
    const { code, message } = refusal({ tasks }) as Error & { code: string }
    expect(code).toBe('GRAPH_CYCLE')
    expect(message.length).toBeLessThan(6000)
    expect(message).toContain('→ … →')
  })
})
