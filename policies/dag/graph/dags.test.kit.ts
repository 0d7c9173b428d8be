import fc from 'fast-check'
import type { Task, TaskGraph } from './task-graph.ts'

const name = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'subgraph',
    'a"b',
    'c\\',
    '\\"',
    '\\\\n',
    '<b>',
    '&amp;',
    'node',
    '%d',
    ' ',
    '1e3',
  ),
  fc
    .string({ unit: 'binary', minLength: 1, maxLength: 12 })
    .filter((text) => !/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text)),
)
const amount = fc.double({ min: 0, max: 1e18, noNaN: true, noDefaultInfinity: true }).map((each) => each + 0)
const optional = fc.option(amount, { nil: undefined })

/** Any DAG of up to 12 tasks, tasks in any order; fields that are not there are left out. */
export const arbitraryDag: fc.Arbitrary<TaskGraph> = fc
  .record({
    ids: fc.uniqueArray(name, { minLength: 1, maxLength: 12 }),
    edges: fc.array(fc.tuple(fc.nat(11), fc.nat(11), amount), { maxLength: 40 }),
    costs: fc.array(fc.tuple(amount, optional, optional), { minLength: 12, maxLength: 12 }),
    order: fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
    name: fc.option(name, { nil: undefined }),
    deadlineS: fc.option(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { nil: undefined }),
  })
  .map(({ ids, edges, costs, order, name, deadlineS }) => {
    const tasks = ids.map((id, at): Task => {
      const [cycles, inputBits, outputBits] = costs[at]!
      const seen = new Set<number>()
      const after = edges.flatMap(([from, to, bits]) => {
        if (to !== at || from >= at || seen.has(from)) return []
        seen.add(from)
        return [{ task: ids[from]!, bits }]
      })
      return {
        id,
        cycles,
        ...(inputBits !== undefined && { inputBits }),
        ...(outputBits !== undefined && { outputBits }),
        ...(after.length > 0 && { after }),
      }
    })
    const shuffled = tasks.map((task, at) => ({ task, key: order[at]! })).sort((a, b) => a.key - b.key)
    return {
      ...(name !== undefined && { name }),
      tasks: shuffled.map(({ task }) => task),
      ...(deadlineS !== undefined && { deadlineS }),
    }
  })
